"""Statistics of an utterance for the model `voice_prosody`: a prosodic path and a spectral path.

The choice follows the minimal set of F. Eyben et al., "The Geneva Minimalistic Acoustic Parameter Set (GeMAPS) for
voice research and affective computing", IEEE Trans. Affective Computing 7 (2016), 190-202, widened by contours and
modulation. Decibels are relative to the utterance, so its level does not matter.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from robotd.perceive.features.mel import RATE_HZ, mel_filter_bank, power_spectrogram
from robotd.perceive.features.prosody import HIGHEST_HZ, HOP, HOPS_A_SECOND, LOWEST_HZ, Prosody, prosody, runs
from robotd.perceive.features.spectral import centroid_hz, cosines

if TYPE_CHECKING:
    from numpy.typing import NDArray

_N_FFT = 512
_BANDS, _CEPSTRA = 40, 20
_QUANTILES, _OUTER = (0.05, 0.25, 0.5, 0.75, 0.95), (0.1, 0.9)
#: Contours are told in so many equal parts of the time from the first voice to the last.
_PARTS = 5
#: Pitch is told in semitones above this.
_LOW_HZ = 55.0
_QUIET_DB = -80.0
#: Edges of the ranges of modulation: phrases, words, syllables, and faster.
_MODULATION_HZ = (0.5, 2.0, 4.0, 8.0, 16.0)
#: Bands of GeMAPS: the alpha ratio parts at 1 kHz (50 Hz to 5 kHz), the Hammarberg index at 2 kHz.
_ALPHA_HZ, _HAMMARBERG_HZ = (50.0, 1000.0, 5000.0), (0.0, 2000.0, 5000.0)
_SLOPES_HZ = ((0.0, 500.0), (500.0, 1500.0))
_ROLL_OFF = 0.85
#: Cepstra that are told in parts, and with quantiles.
_IN_PARTS, _WITH_QUANTILES = 8, 13
#: The third formant's highest harmonic is looked for here.
_THIRD_FORMANT_HZ = (2000.0, 3500.0)

Values = dict[str, float]


def prosodic_statistics(measured: Prosody) -> Values:
    """Return the prosodic path by name: pitch, intensity, zero crossings, jitter, shimmer and timing."""
    voiced = measured.f0_hz > 0.0
    if not voiced.any():
        voiced = np.ones(len(voiced), bool)
    found = np.flatnonzero(voiced)
    span = slice(int(found[0]), int(found[-1]) + 1)
    semitones = 12.0 * np.log2(np.maximum(measured.f0_hz, _LOW_HZ) / _LOW_HZ)
    values = _pitch_values(semitones, voiced)
    values |= _intensity_values(measured.intensity_db, voiced, span)
    values |= _summary("crossings", np.sqrt(measured.crossings_hz[span]))
    values |= _mean_and_deviation("crossings_voiced", np.sqrt(measured.crossings_hz[voiced]))
    strength = measured.strength[voiced].clip(0.01, 0.999)
    values |= _summary("harmonicity", 10.0 * np.log10(strength / (1.0 - strength)))
    values["jitter"] = float(np.log(measured.jitter + 1e-3))
    values["shimmer"] = float(np.log(measured.shimmer + 1e-2))
    values |= _timing(voiced[span])
    values["pitch_with_intensity"] = _correlation(semitones[voiced], measured.intensity_db[voiced])
    return values


def _pitch_values(semitones: NDArray[np.float64], voiced: NDArray[np.bool_]) -> Values:
    pitch = semitones[voiced]
    median = float(np.median(pitch))
    values = _summary("pitch", pitch)
    steps, slopes, curves = [np.zeros(1)], [], []
    for first, last in runs(voiced):
        steps.append(np.diff(semitones[first : last + 1]) * HOPS_A_SECOND)
        if last - first >= _PARTS:
            time_s = np.arange(last - first + 1) / HOPS_A_SECOND
            bend, slope, _ = np.polyfit(time_s - time_s.mean(), semitones[first : last + 1], 2)
            slopes.append(slope)
            curves.append(bend)
    step = np.concatenate(steps)
    values |= _mean_and_deviation("pitch_slope", np.array(slopes or [0.0]))
    values |= _mean_and_deviation("pitch_curve", np.arcsinh(np.array(curves or [0.0])))
    values["pitch_last_slope"] = float(slopes[-1]) if slopes else 0.0
    values["pitch_step"] = float(np.log1p(np.abs(step).mean()))
    values |= {name: float(np.arcsinh(value)) for name, value in _outer("pitch_step", step).items()}
    values["pitch_highest_at"] = float(semitones[voiced].argmax() / len(pitch))
    for i, part in enumerate(np.array_split(pitch, _PARTS)):
        values[f"pitch_part{i}"] = float(part.mean() - median) if len(part) else 0.0
    return values


def _intensity_values(level_db: NDArray[np.float32], voiced: NDArray[np.bool_], span: slice) -> Values:
    inside = level_db[span]
    values = _summary("intensity", inside)
    values |= _mean_and_deviation("intensity_voiced", level_db[voiced])
    smooth = np.convolve(np.pad(inside, 3, mode="edge"), np.full(7, 1.0 / 7.0), mode="valid")
    step = np.diff(smooth, append=smooth[-1]) * HOPS_A_SECOND
    values |= _outer("intensity_step", step)
    values["intensity_step"] = float(np.abs(step).mean())
    peaks = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:]) & (smooth[1:-1] > np.quantile(smooth, 0.4))
    values["intensity_peaks_hz"] = float(peaks.sum() * HOPS_A_SECOND / len(smooth))
    values["intensity_highest_at"] = float(smooth.argmax() / len(smooth))
    values["intensity_floor"] = float(np.quantile(level_db, 0.02))
    for i, part in enumerate(np.array_split(inside, _PARTS)):
        values[f"intensity_part{i}"] = float(part.mean() - inside.mean()) if len(part) else 0.0
    return values


def _timing(voiced: NDArray[np.bool_]) -> Values:
    """How long voice and pauses are, in seconds and their logarithms."""
    lengths = np.array([last - first + 1 for first, last in runs(voiced)], float) / HOPS_A_SECOND
    pauses = np.array([last - first + 1 for first, last in runs(~voiced)] or [0], float) / HOPS_A_SECOND
    total_s = len(voiced) / HOPS_A_SECOND
    return {
        "span": float(np.log(total_s)),
        "voiced_share": float(voiced.mean()),
        "voiced_runs_hz": len(lengths) / total_s,
        "voiced_run": float(np.log(lengths.mean())),
        "voiced_run_longest": float(np.log(lengths.max())),
        "pause": float(np.log(pauses.mean() + 0.01)),
        "pause_longest": float(np.log(pauses.max() + 0.01)),
    }


def spectral_statistics(samples: NDArray[np.float32], measured: Prosody) -> Values:
    """Return the spectral path by name: cepstra, shape of the spectrum, harmonics and modulation."""
    peak = float(np.abs(samples).max(initial=0.0))
    power = power_spectrogram(samples / np.float32(peak or 1.0), _N_FFT, HOP)
    bands = power @ mel_filter_bank(RATE_HZ, _N_FFT, _BANDS, 20.0, RATE_HZ / 2).T
    loudest = max(float(bands.max()), 1e-12)
    bands_db = 10.0 * np.log10(np.maximum(bands / loudest, 10.0 ** (_QUIET_DB / 10.0)))
    cepstra = bands_db @ cosines(_CEPSTRA, _BANDS).T / np.sqrt(_BANDS)
    voiced = measured.f0_hz[: len(power)] > 0.0
    if not voiced.any():
        voiced = np.ones(len(power), bool)
    found = np.flatnonzero(voiced)
    span = slice(int(found[0]), int(found[-1]) + 1)
    values: Values = {}
    delta = cepstra[4:] - cepstra[:-4] if len(cepstra) > 4 else np.zeros((1, _CEPSTRA))  # noqa: PLR2004 - of 40 ms
    # All cepstra at once: one call of numpy costs more than the numbers that it is for.
    of_all = {
        "voiced_mean": cepstra[voiced].mean(axis=0),
        "voiced_deviation": cepstra[voiced].std(axis=0),
        "mean": cepstra[span].mean(axis=0),
        "deviation": cepstra[span].std(axis=0),
        "delta": delta.std(axis=0),
    }
    for i in range(_CEPSTRA):
        values |= {f"mfcc{i}_{name}": float(several[i]) for name, several in of_all.items()}
    outer = np.quantile(cepstra[span, :_WITH_QUANTILES], _OUTER, axis=0)
    for i in range(_WITH_QUANTILES):
        values |= {f"mfcc{i}_q{share:g}": float(row[i]) for share, row in zip(_OUTER, outer, strict=True)}
    for part, rows in enumerate(np.array_split(cepstra[span, :_IN_PARTS], _PARTS)):
        apart = rows.mean(axis=0) - cepstra[span, :_IN_PARTS].mean(axis=0) if len(rows) else np.zeros(_IN_PARTS)
        values |= {f"mfcc{i}_part{part}": float(value) for i, value in enumerate(apart)}
    for name, track in _voice_quality(power, measured.f0_hz[: len(power)], voiced).items():
        values |= _mean_and_deviation(name, track) | _outer(name, track)
    for name, track in _shape(power, bands_db).items():
        values |= _mean_and_deviation(f"{name}_voiced", track[voiced]) | _outer(name, track[span])
    values |= _modulation(bands_db[span])
    return values


def _shape(power: NDArray[np.float32], bands_db: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Return tracks of the spectrum's shape, each [frames]."""
    bins_hz = np.fft.rfftfreq(_N_FFT, 1.0 / RATE_HZ)
    magnitudes_db = 10.0 * np.log10(power + np.float32(1e-10))
    tracks: dict[str, NDArray[np.float64]] = {"centroid": np.log(centroid_hz(power) + 50.0)}
    summed = np.cumsum(power, axis=1)
    tracks["roll_off"] = np.log(bins_hz[(summed < _ROLL_OFF * summed[:, -1:]).sum(axis=1).clip(max=_N_FFT // 2)] + 50.0)

    def between(low_hz: float, high_hz: float) -> NDArray[np.float32]:
        return power[:, (bins_hz >= low_hz) & (bins_hz < high_hz)]

    low, middle, high = _ALPHA_HZ
    tracks["alpha_ratio"] = 10.0 * np.log10(between(low, middle).sum(axis=1) + 1e-10)
    tracks["alpha_ratio"] -= 10.0 * np.log10(between(middle, high).sum(axis=1) + 1e-10)
    low, middle, high = _HAMMARBERG_HZ
    tracks["hammarberg"] = 10.0 * np.log10(between(low, middle).max(axis=1) + 1e-10)
    tracks["hammarberg"] -= 10.0 * np.log10(between(middle, high).max(axis=1) + 1e-10)
    for low_hz, high_hz in _SLOPES_HZ:
        inside = (bins_hz >= low_hz) & (bins_hz <= high_hz)
        offset = (bins_hz[inside] - bins_hz[inside].mean()) / 1000.0
        tracks[f"slope_{low_hz:g}"] = magnitudes_db[:, inside] @ offset / (offset @ offset)
    flux = np.abs(np.diff(bands_db, axis=0, prepend=bands_db[:1])).mean(axis=1)
    tracks["flux"] = flux.astype(np.float64)
    return tracks


def _voice_quality(
    power: NDArray[np.float32], f0_hz: NDArray[np.float32], voiced: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Return tracks of how breathy or pressed a voice is, each [voiced frames].

    H1-H2 and H1-A3 as in GeMAPS, in dB; the cepstral peak prominence of Hillenbrand et al. 1994 ("Acoustic correlates
    of breathy vocal quality"), here above the mean of the quefrencies looked at, in dB.
    """
    level_db = 10.0 * np.log10(power[voiced] + np.float32(1e-10))
    f0 = np.where(f0_hz[voiced] > 0.0, f0_hz[voiced], 200.0)
    rows = np.arange(len(level_db))

    def harmonic_db(number: int) -> NDArray[np.float64]:
        middle = np.rint(number * f0 * _N_FFT / RATE_HZ).astype(int)
        around = [level_db[rows, np.clip(middle + i, 0, _N_FFT // 2)] for i in (-1, 0, 1)]
        loudest: NDArray[np.float64] = np.max(around, axis=0).astype(np.float64)
        return loudest

    low, high = (int(hz * _N_FFT / RATE_HZ) for hz in _THIRD_FORMANT_HZ)
    first_db = harmonic_db(1)
    cepstrum = np.fft.irfft(level_db, axis=1)[:, int(RATE_HZ / HIGHEST_HZ) : int(RATE_HZ / LOWEST_HZ)]
    return {
        "h1_h2": first_db - harmonic_db(2),
        "h1_a3": first_db - level_db[:, low:high].max(axis=1),
        "prominence": 10.0 * (cepstrum.max(axis=1) - cepstrum.mean(axis=1)).astype(np.float64),
    }


def _modulation(bands_db: NDArray[np.float32]) -> Values:
    """How strongly four ranges of the spectrum rise and fall, slowly to fast, in log decibels."""
    values: Values = {}
    for i, group in enumerate(np.array_split(bands_db, 4, axis=1)):
        track = group.mean(axis=1)
        window = np.hanning(len(track) + 2)[1:-1]
        strength = np.abs(np.fft.rfft((track - track.mean()) * window, 1024)) ** 2 / max(float((window**2).sum()), 1e-9)
        rates_hz = np.fft.rfftfreq(1024, 1.0 / HOPS_A_SECOND)
        for low, high in itertools.pairwise(_MODULATION_HZ):
            inside = (rates_hz >= low) & (rates_hz < high)
            values[f"modulation{i}_{low:g}"] = float(np.log(strength[inside].mean() + 0.1))
    return values


def _summary(name: str, track: NDArray[np.floating]) -> Values:
    """Mean, deviation, median, and how far the other quantiles lie from the median."""
    quantiles = np.quantile(track, _QUANTILES)
    median = float(quantiles[len(_QUANTILES) // 2])
    values = _mean_and_deviation(name, track)
    values[f"{name}_median"] = median
    outer = (place for place in range(len(_QUANTILES)) if place != len(_QUANTILES) // 2)
    values |= {f"{name}_q{_QUANTILES[place]:g}": float(quantiles[place]) - median for place in outer}
    return values


def _outer(name: str, track: NDArray[np.floating]) -> Values:
    quantiles = np.quantile(track, _OUTER)
    return {f"{name}_q{share:g}": float(value) for share, value in zip(_OUTER, quantiles, strict=True)}


def _mean_and_deviation(name: str, track: NDArray[np.floating]) -> Values:
    return {f"{name}_mean": float(track.mean()), f"{name}_deviation": float(track.std())}


def _correlation(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    one, other = one - one.mean(), other - other.mean()
    scale = float(np.sqrt((one @ one) * (other @ other)))
    return float(one @ other) / scale if scale > 0.0 else 0.0


def statistics(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the statistics of an utterance, [289] float32 in the order of NAMES; finite for every sound.

    Args:
        samples: [n] float32, mono, 16 kHz.

    Raises:
        ValueError: the sound is not mono.
    """
    prosodic, spectral = paths(samples)
    return np.array([*prosodic.values(), *spectral.values()], np.float32)


def paths(samples: NDArray[np.float32]) -> tuple[Values, Values]:
    """Return the prosodic and the spectral path of an utterance by name."""
    measured = prosody(samples)
    return prosodic_statistics(measured), spectral_statistics(samples, measured)


#: The statistics in order, those of the prosodic path first.
PROSODIC, SPECTRAL = (tuple(path) for path in paths(np.zeros(RATE_HZ, np.float32)))
NAMES = (*PROSODIC, *SPECTRAL)
