"""English words that carry grammar, not a subject: what a keyword never is.

Pronouns, articles, prepositions, conjunctions, auxiliary verbs with what is short for them, question words, and the
commonest verbs, adverbs and fillers of talk. Spelt as `tokens.spelt` spells them: without apostrophes.
"""

from __future__ import annotations

_PRONOUNS = """
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves one ones someone somebody something anyone anybody anything everyone
everybody everything nobody nothing none this that these those who whom whose which what whatever whoever whichever
"""
_SMALL = """
a an the some any no each every either neither both all another other others such same own few more most much many less
least several enough lot lots bit
and or but nor so yet if then else than because as while although though unless until since whether
of in on at by for with from to into onto out off up down over under about above below between among through during
before after against without within along across behind beside besides toward towards upon around near per via
"""
_VERBS = """
am is are was were be been being do does did done doing have has had having can could may might must shall should will
would ought going gonna wanna gotta gotten got get gets getting let lets go goes went gone come comes came make makes
made take takes took put puts say says said tell tells told know knows knew think thinks thought mean means see seem
seems look looks want wants wanted feel feels felt feeling
im ive id ill youre youve youd youll hes shes weve theyre theyve theyd theyll thats theres heres whats whos wheres hows
isnt arent wasnt werent dont doesnt didnt havent hasnt hadnt cant cannot couldnt wont wouldnt shouldnt mustnt aint its
itll itd thatll ca wo nt
"""
_ADVERBS = """
not never ever very too also just only even still again already always often sometimes usually maybe perhaps quite
rather really actually almost here there where when why how now once soon later ago away back well yes
yeah yep nope okay ok oh ah uh um hmm hey hi hello please thanks thank like really anyway somehow somewhere anywhere
everywhere instead however therefore thus first last next
"""

FUNCTION_WORDS: frozenset[str] = frozenset((_PRONOUNS + _SMALL + _VERBS + _ADVERBS).split())
