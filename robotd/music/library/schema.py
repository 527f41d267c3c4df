"""The tables of the song library, and how an older file is brought to the newest form."""

from __future__ import annotations

#: Marks the file as ours (PRAGMA application_id): "rbtd".
APPLICATION_ID = 0x72627464

#: See `Database.MIGRATIONS`.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE songs (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        artist TEXT NOT NULL,
        uri TEXT NOT NULL UNIQUE,
        valence REAL NOT NULL CHECK (valence BETWEEN -1 AND 1),
        arousal REAL NOT NULL CHECK (arousal BETWEEN -1 AND 1),
        source TEXT NOT NULL,
        added_at REAL NOT NULL
    );
    CREATE TABLE feedback (
        id INTEGER PRIMARY KEY,
        recommendation_id TEXT,
        song_id INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        value REAL,
        time REAL NOT NULL
    );
    CREATE INDEX feedback_by_song ON feedback (song_id);
    """,
    # Numbers of a kind lie together: moods, mid_level, gems and lyrics_emotions are little-endian float32, curve is
    # int8, hundredths of valence and arousal by turns, a pair a second.
    """
    ALTER TABLE songs ADD COLUMN album TEXT NOT NULL DEFAULT '';
    ALTER TABLE songs ADD COLUMN year INTEGER;
    ALTER TABLE songs ADD COLUMN genre TEXT NOT NULL DEFAULT '';
    ALTER TABLE songs ADD COLUMN language TEXT NOT NULL DEFAULT '';
    ALTER TABLE songs ADD COLUMN explicit INTEGER;
    ALTER TABLE songs ADD COLUMN duration_s REAL;
    ALTER TABLE songs ADD COLUMN tempo_bpm REAL;
    ALTER TABLE songs ADD COLUMN key TEXT NOT NULL DEFAULT '';
    ALTER TABLE songs ADD COLUMN moods BLOB;
    ALTER TABLE songs ADD COLUMN mid_level BLOB;
    ALTER TABLE songs ADD COLUMN gems BLOB;
    ALTER TABLE songs ADD COLUMN lyrics_emotions BLOB;
    ALTER TABLE songs ADD COLUMN curve BLOB;
    ALTER TABLE songs ADD COLUMN missing INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX songs_by_source ON songs (source);
    CREATE TABLE words (
        id INTEGER PRIMARY KEY,
        word TEXT NOT NULL UNIQUE
    );
    CREATE TABLE keywords (
        song_id INTEGER NOT NULL REFERENCES songs (id) ON DELETE CASCADE,
        word_id INTEGER NOT NULL REFERENCES words (id),
        weight REAL NOT NULL,
        PRIMARY KEY (song_id, word_id)
    ) WITHOUT ROWID;
    CREATE TABLE files (
        song_id INTEGER PRIMARY KEY REFERENCES songs (id) ON DELETE CASCADE,
        size INTEGER NOT NULL,
        mtime_ns INTEGER NOT NULL,
        digest BLOB NOT NULL,
        made_by TEXT NOT NULL
    );
    CREATE TABLE explanations (
        made_by TEXT PRIMARY KEY,
        weights BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    # To find the words that no song has any more takes minutes without it.
    """
    CREATE INDEX keywords_by_word ON keywords (word_id);
    """,
    # What is thought of songs is in the book of taste, which knows them by their ids: none is ever given again.
    """
    DROP TABLE feedback;
    CREATE TABLE song_numbers (last INTEGER NOT NULL);
    INSERT INTO song_numbers SELECT coalesce(max(id), 0) FROM songs;
    CREATE TRIGGER song_numbers_stay AFTER DELETE ON songs BEGIN
        UPDATE song_numbers SET last = max(last, old.id);
    END;
    """,
)
