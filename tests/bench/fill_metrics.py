"""How good a fill is, against the original; pictures are float arrays [h, w, 3] in 8-bit levels, holes bool [h, w]."""
import numpy as np


def psnr(filled, original, hole):
    """dB over the hole's pixels, all three channels."""
    error = np.mean((filled[hole] - original[hole]) ** 2)
    return 10 * np.log10(255**2 / max(error, 1e-10))


def luma(picture):
    return picture @ np.array([0.299, 0.587, 0.114])


def blur(plane, sigma=1.5, reach=5):
    """Gaussian of 2 * reach + 1 taps, edges repeated; by itself the window of Wang et al. 2004."""
    taps = np.exp(-np.arange(-reach, reach + 1) ** 2 / (2 * sigma**2))
    taps /= taps.sum()
    for axis in (0, 1):
        padded = np.pad(plane, [(reach, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        n = plane.shape[axis]
        plane = sum(t * np.take(padded, range(i, i + n), axis) for i, t in enumerate(taps))
    return plane


def ssim(filled, original, hole):
    """Structural similarity of luma (Wang et al. 2004), the mean of its map over the hole's pixels."""
    a, b = luma(filled), luma(original)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = (2 * mean_a * mean_b + c1) * (2 * covariance + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(values[hole].mean())


def box(plane, radius):
    """Means over squares, edges repeated."""
    sums = np.pad(np.pad(plane, radius, mode="edge"), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = 2 * radius + 1
    return (sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n]) / n**2


def texture_distance(filled, original, hole):
    """How unlike the hole's texture is to that of a ring around it, 4 to 40 px away: the distances (mean difference of
    quantiles, in levels) between the histograms of luma's gradients and of its standard deviation in 7 x 7 pixels."""
    def histograms(picture, where):
        y = luma(picture)
        gradient = np.hypot(np.gradient(y, axis=0), np.gradient(y, axis=1))
        deviation = np.sqrt(np.maximum(box(y * y, 3) - box(y, 3) ** 2, 0))
        return np.quantile([gradient[where], deviation[where]], np.linspace(0.005, 0.995, 100), axis=1)
    near, far = (box(hole.astype(float), radius) > 1e-9 for radius in (4, 40))
    return tuple(float(d) for d in np.abs(histograms(filled, hole) - histograms(original, far & ~near)).mean(axis=0))


def rim_step(picture, hole):
    """Mean step in luma between the neighbouring pixels that the hole's rim separates, in levels."""
    y = luma(picture)
    across = hole[:, 1:] != hole[:, :-1]
    down = hole[1:] != hole[:-1]
    return float(np.concatenate([np.abs(y[:, 1:] - y[:, :-1])[across], np.abs(y[1:] - y[:-1])[down]]).mean())


def rim_jump(filled, original, hole):
    """How much the step across the rim exceeds the original's own, in levels: 0 like the original, above it a visible seam,
    below it a softer rim than the picture has."""
    return rim_step(filled, hole) - rim_step(original, hole)


def changed_outside(filled, given, hole):
    """Pixels outside the hole that differ from the picture that was given, and the largest difference in levels."""
    difference = np.abs(filled - given).max(axis=2)
    difference[hole] = 0
    return int((difference > 0).sum()), int(difference.max())
