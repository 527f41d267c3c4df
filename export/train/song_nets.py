"""The nets that hear songs: how a step of music is attended to and remembered, and how its mode is told."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import avg_pool1d, conv1d, relu

from robotd.perceive.features.song_mel import CLASSES, FRAMES_A_CLASS, LOG_BANDS, MEL_BANDS

from .musicnn import MIDDLE, VGG_WIDTH

#: Frames of the picture that make a step of the curve, 0.256 s.
FRAMES_A_STEP = 16
STEPS = 35
FRAMES = STEPS * FRAMES_A_STEP
#: Mean and peak of the three layers of the trunk.
STEP_FEATURES = 2 * 3 * MIDDLE
#: The VGG leaves 6 of the 96 bands.
_VGG_FEATURES = VGG_WIDTH * 6
POOLED = 2 * _VGG_FEATURES
#: Frames of the log-frequency picture that share pitch classes, 0.128 s.
_LOG_FRAMES_A_CLASS = 4
#: Times that pitch classes are averaged over before a key is looked for, in frames of 0.128 s; last over all.
_KEY_FRAMES = (4, 24)
_SHARPNESS = 8.0
_FLAT = 1e-6
# How much each pitch class, from the tonic up, belongs to a major and to a minor key. Two are D. Temperley's (2007),
# "Music and Probability", two C. Krumhansl & E. Kessler's (1982, Psychological Review 89), two J. Albrecht & D.
# Shanahan's (2013, Music Perception 31); the last are triads: major, minor, diminished and augmented.
_PROFILES = (
    (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
    (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
    (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0),
    (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0),
)
_MODE_FEATURES = len(_PROFILES) * (2 * len(_KEY_FRAMES) + 1)
#: Wide bands of the mel picture; of each a step knows mean, mean square and how much it changes.
_WIDE = 16
BAND_FEATURES = 3 * _WIDE
CONTEXT = _MODE_FEATURES + BAND_FEATURES
#: So much the few features of the context are raised for a linear layer that reads a thousand others.
_CONTEXT_HEIGHT = 3.0


class Mode(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """How well pitch classes fit the keys: the best of each profile's twelve rotations, over short and long times."""

    def __init__(self) -> None:
        super().__init__()
        profiles = torch.tensor(_PROFILES)
        profiles = (profiles - profiles.mean(dim=1, keepdim=True)) / profiles.std(dim=1, keepdim=True, correction=0)
        self.profiles = nn.Parameter(profiles[:, None] / CLASSES, requires_grad=False)

    def forward(self, classes: Any) -> Any:
        """Take [n, frames, 12] and return [n, 50]."""
        shares = (classes / (classes.sum(dim=2, keepdim=True) + _FLAT)).transpose(1, 2)
        features = [self._fits(shares.mean(dim=2, keepdim=True))[..., 0]]
        for frames in _KEY_FRAMES:
            fits = self._fits(avg_pool1d(shares, frames, frames // 2))
            mean = fits.mean(dim=2, keepdim=True)
            features += [mean[..., 0], ((fits - mean) ** 2).mean(dim=2).add(_FLAT).sqrt()]
        return torch.cat(features, dim=1)

    def _fits(self, shares: Any) -> Any:
        """Take [n, 12, times] and return [n, profiles, times]: the soft maximum of the correlations."""
        centred = shares - shares.mean(dim=1, keepdim=True)
        # Not added: PyTorch's exporter takes so small an addend for nothing, and silence would be divided by 0.
        unit = centred / (centred**2).mean(dim=1, keepdim=True).clamp(min=_FLAT * _FLAT).sqrt()
        samples, _, times = unit.shape
        turned = unit.transpose(1, 2).reshape(samples * times, 1, CLASSES)
        correlations = conv1d(torch.cat([turned, turned[..., : CLASSES - 1]], dim=2), self.profiles)
        best = (_SHARPNESS * correlations).exp().sum(dim=2).log() / _SHARPNESS
        return best.reshape(samples, times, -1).transpose(1, 2)


class Context(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """What is known of a whole window: its mode, and how loud, how varied and how restless its bands are."""

    def __init__(self) -> None:
        super().__init__()
        self.mode = Mode()

    def forward(self, classes: Any, bands: Any) -> Any:
        """Take [n, times, 12] and [n, steps, 48]; return [n, 98]."""
        level, square, change = bands.mean(dim=1).chunk(3, dim=1)
        spread = (square - level**2).clamp(min=_FLAT).sqrt()
        return torch.cat([self.mode(classes), level, spread, change], dim=1)


def band_features(mel: Any) -> Any:
    """Return mean, mean square and mean change of wide bands for each step: [n, frames, 96] to [n, steps, 48]."""
    whole = mel.shape[1] // FRAMES_A_STEP * FRAMES_A_STEP
    wide = mel[:, :whole].unflatten(2, (_WIDE, -1)).mean(dim=3).unflatten(1, (-1, FRAMES_A_STEP))
    change = (wide[:, :, 1:] - wide[:, :, :-1]).abs().mean(dim=2)
    return torch.cat([wide.mean(dim=2), (wide**2).mean(dim=2), change], dim=2)


class Attention(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """CBAM: which channels matter, then which moments (Woo et al. 2018, arXiv:1807.06521), on maps without height."""

    def __init__(self, channels: int, reduction: int = 16, kernel: int = 7) -> None:
        super().__init__()
        narrow = channels // reduction
        self.which = nn.Sequential(nn.Linear(channels, narrow), nn.ReLU(), nn.Linear(narrow, channels))
        self.when = nn.Conv1d(2, 1, kernel, padding=kernel // 2)

    def forward(self, maps: Any) -> Any:
        """Take and return [n, channels, steps]."""
        channels = torch.sigmoid(self.which(maps.mean(dim=2)) + self.which(maps.amax(dim=2)))[..., None]
        maps = 2.0 * channels * maps
        both = torch.cat([maps.mean(dim=1, keepdim=True), maps.amax(dim=1, keepdim=True)], dim=1)
        return 2.0 * torch.sigmoid(self.when(both)) * maps


class Listener(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """What hears the trunk's steps: attention, a dense layer, one shallow GRU that knows the context, and the ratings.

    Beside it a linear layer tells the ratings from the same features; the mean of both is given. Two sets of raters
    tell valence and arousal of different music: a gate tells whose word is to weigh how much.

    Args:
        ratings: how many are told.
        dense: units of the dense layer.
        hidden: units of the GRU.
        context: units that the context is brought down to.
        separable: the dense layer is the point-wise half of a convolution over five steps, the other half depth-wise.
    """

    def __init__(
        self, ratings: int, dense: int = 64, hidden: int = 48, context: int = 24, *, separable: bool = False
    ) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(STEP_FEATURES, affine=False)
        self.attention = Attention(STEP_FEATURES)
        depthwise = nn.Conv1d(STEP_FEATURES, STEP_FEATURES, 5, padding=2, groups=STEP_FEATURES)
        self.depthwise = depthwise if separable else nn.Identity()
        self.dense = nn.Linear(STEP_FEATURES, dense)
        self.context_norm = nn.BatchNorm1d(CONTEXT, affine=False)
        self.context = nn.Linear(CONTEXT, context)
        self.gru = nn.GRU(dense + context, hidden, batch_first=True)
        self.ratings = nn.Linear(dense + context + hidden, ratings)
        self.linear = nn.Linear(STEP_FEATURES + CONTEXT, ratings)
        self.likeness = nn.Linear(STEP_FEATURES + CONTEXT, 1)
        self.dropout = nn.Dropout(0.4)

    def forward(self, steps: Any, context: Any) -> Any:
        """Take [n, steps, 384] and [n, 98]; return [n, steps, ratings], in training those of the GRU alone."""
        normal = self.norm(steps.transpose(1, 2))
        attended = self.depthwise(self.attention(normal)).transpose(1, 2)
        seen = relu(self.dense(self.dropout(attended)))
        around = self.context_norm(context)
        about = relu(self.context(self.dropout(around)))[:, None].expand(-1, seen.shape[1], -1)
        both = self.dropout(torch.cat([seen, about], dim=2))
        heard, _ = self.gru(both)
        told = self.ratings(torch.cat([both, self.dropout(heard)], dim=2))
        return told if self.training else 0.5 * (told + self.linear(self.linear_features(steps, context)))

    def share(self, steps: Any, context: Any) -> Any:
        """Return how much a window is like the music of the second set of raters, and not the first: [n, 1, 1]."""
        return torch.sigmoid(self.likeness(self.linear_features(steps, context).mean(dim=1, keepdim=True)))

    def linear_features(self, steps: Any, context: Any) -> Any:
        """Return what the linear layer reads: [n, steps, 482]."""
        normal = self.norm(steps.transpose(1, 2)).transpose(1, 2)
        return torch.cat([normal, self.context_norm(context)[:, None].expand(-1, steps.shape[1], -1)], dim=2)


def steps_of(maps: Any) -> Any:
    """Return mean and peak of each step: [n, channels, frames] to [n, steps, 2 channels]; a rest is left out."""
    whole = maps.shape[2] // FRAMES_A_STEP * FRAMES_A_STEP
    parted = maps[:, :, :whole].unflatten(2, (-1, FRAMES_A_STEP))
    return torch.cat([parted.mean(dim=3), parted.amax(dim=3)], dim=1).transpose(1, 2)


class SongVa(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The whole of `song_va`: picture to valence and arousal (0 to 10), their curve, and shares of GEMS emotions.

    Args:
        trunk: from mel to maps.
        listener: from the trunk's steps and the mode to standardised ratings.
        mood: [2, ratings + 1, 2] weights of the ratings in the valence and arousal of either set of raters; the last
            row is added.
        gems: [ratings + 1, 9] likewise for the shares of listeners.
    """

    def __init__(self, trunk: Any, listener: Listener, mood: Any, gems: Any) -> None:
        super().__init__()
        self.trunk, self.listener, self.context = trunk, listener, Context()
        self.mood = nn.Parameter(torch.as_tensor(mood, dtype=torch.float32), requires_grad=False)
        self.gems = nn.Parameter(torch.as_tensor(gems, dtype=torch.float32), requires_grad=False)

    def forward(self, picture: Any) -> Any:
        """Take [n, 560, 108]; return [n, 2], [n, 35, 2] and [n, 9]."""
        mel, classes = picture[:, :, :MEL_BANDS], picture[:, ::FRAMES_A_CLASS, MEL_BANDS:]
        context = self.context(classes, band_features(mel))
        steps = steps_of(self.trunk(mel))
        return self.tell(self.listener(steps, context), self.listener.share(steps, context))

    def tell(self, told: Any, share: Any) -> Any:
        """Return the outputs for what the listener told, [n, steps, ratings], and the share of the second raters."""
        first, second = (told @ mood[:-1] + mood[-1] for mood in self.mood)
        curve = (first + share * (second - first)).clamp(0.0, 10.0)
        shares = (told.mean(dim=1) @ self.gems[:-1] + self.gems[-1]).clamp(0.0, 1.0)
        return curve.mean(dim=1), curve, shares


class Reader(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """What reads the VGG's steps: pooled, a dense layer beside the context, and ratings by one of two routes.

    The direct route (A2E) is the mean of what the dense layer tells and what a linear layer tells from the same.

    Args:
        ratings: how many the direct route tells.
        features: how many mid-level features the other route goes by (A2Mid2E).
        told: how many ratings are told by them.
        dense: units of the dense layer.
        context: units that the context is brought down to.
    """

    def __init__(self, ratings: int, features: int, told: int, dense: int = 64, context: int = 32) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(POOLED, affine=False)
        self.dense = nn.Linear(POOLED, dense)
        self.context_norm = nn.BatchNorm1d(CONTEXT, affine=False)
        self.context = nn.Linear(CONTEXT, context)
        self.ratings = nn.Linear(dense + context, ratings)
        self.features = nn.Linear(dense + context, features)
        self.told = nn.Linear(features, told)
        self.linear = nn.Linear(POOLED + CONTEXT, ratings)
        self.context_dropout, self.dropout, self.first_dropout = nn.Dropout(0.1), nn.Dropout(0.2), nn.Dropout(0.5)

    def forward(self, steps: Any, context: Any) -> Any:
        """Take [n, steps, 768] and [n, 98]; return [n, ratings], [n, features] and [n, told]."""
        pooled = self.norm(pool(steps))
        around = self.context_norm(context)
        seen = relu(self.dense(self.first_dropout(pooled)))
        about = relu(self.context(self.context_dropout(around)))
        both = self.dropout(torch.cat([seen, about], dim=1))
        features = self.features(both)
        direct = self.ratings(both)
        if not self.training:
            direct = 0.5 * (direct + self.linear(self.linear_features(steps, context)))
        return direct, features, self.told(features)

    def linear_features(self, steps: Any, context: Any) -> Any:
        """Return what the linear layer reads: [n, 1634]."""
        return torch.cat([self.norm(pool(steps)), _CONTEXT_HEIGHT * self.context_norm(context)], dim=1)


def pool(steps: Any) -> Any:
    """Return mean and peak over the steps, [n, steps, 768] to [n, 1536]."""
    return torch.cat([steps.mean(dim=1), steps.amax(dim=1)], dim=1)


class Adapter(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """From the log-frequency picture to the mel picture that the VGG knows: a linear layer over three frames."""

    def __init__(self) -> None:
        super().__init__()
        self.bands = nn.Conv1d(LOG_BANDS, 2 * MEL_BANDS, 3, padding=1)

    def forward(self, picture: Any) -> Any:
        """Take [n, frames, 149] and return [n, 2 frames, 96]."""
        return self.bands(picture.transpose(1, 2)).transpose(1, 2).unflatten(2, (2, MEL_BANDS)).flatten(1, 2)


class SongMidlevel(nn.Module):  # type: ignore[misc]  # torch is untyped here
    """The whole of `song_midlevel`: picture to ratings by way of mid-level features, these, and ratings without them.

    Args:
        adapter: see there.
        vgg: from mel to maps.
        reader: what reads its steps.
        scales: for each output in order [2, ratings]: the deviation and mean of its ratings.
        folding: [12, 149] weight of each band in each pitch class.
    """

    def __init__(self, adapter: Any, vgg: Any, reader: Reader, scales: Any, folding: Any) -> None:
        super().__init__()
        self.adapter, self.vgg, self.reader, self.context = adapter, vgg, reader, Context()
        as_fixed = [nn.Parameter(torch.as_tensor(one, dtype=torch.float32), requires_grad=False) for one in scales]
        self.scales = nn.ParameterList(as_fixed)
        self.folding = nn.Parameter(torch.as_tensor(folding, dtype=torch.float32), requires_grad=False)

    def forward(self, picture: Any) -> Any:
        """Take [n, 313, 149]; return [n, 8], [n, 7] and [n, 8], each on its set's scale."""
        mel = self.adapter(picture)
        context = self.context(folded_classes(picture, self.folding), band_features(mel))
        return self.tell(*self.reader(vgg_steps(self.vgg(mel)), context))

    def tell(self, direct: Any, features: Any, told: Any) -> Any:
        """Return the outputs for what the reader told, which is standardised."""
        told_scale, feature_scale, direct_scale = self.scales
        values = ((told, told_scale), (features, feature_scale), (direct, direct_scale))
        return tuple((value * scale[0] + scale[1]).clamp(1.0, 9.0) for value, scale in values)


def vgg_steps(maps: Any) -> Any:
    """Return a step's features: [n, 128, steps, 6] to [n, steps, 768]."""
    return maps.permute(0, 2, 1, 3).flatten(2)


def folded_classes(picture: Any, folding: Any) -> Any:
    """Return the pitch classes of a log-frequency picture every 0.128 s: [n, frames, 149] to [n, frames / 4, 12]."""
    classes = (picture @ folding.T).transpose(1, 2)
    return avg_pool1d(classes, _LOG_FRAMES_A_CLASS).transpose(1, 2)
