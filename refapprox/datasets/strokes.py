"""Digits as pen strokes: lines and arcs in the unit square, x to the right, y downward.

Each digit has a few ways of being written. A way is a list of strokes, a stroke a list of pieces drawn in one go:
a point (x, y) that the pen moves to, or an arc (cx, cy, rx, ry, start, stop) in degrees, clockwise from the right.
"""
import numpy as np

GLYPHS = {
    0: [[[(.50, .50, .28, .40, -90, 270)]],
        [[(.50, .50, .20, .40, -60, 300)]]],
    1: [[[(.50, .10), (.50, .90)]],
        [[(.34, .26), (.52, .10), (.52, .90)]],
        [[(.36, .26), (.52, .10), (.52, .90)], [(.34, .90), (.70, .90)]]],
    2: [[[(.50, .32, .25, .22, -170, 20), (.25, .90), (.78, .90)]],
        [[(.50, .32, .24, .22, -160, 60), (.34, .80, .09, .10, -60, -400), (.60, .88), (.80, .82)]]],
    3: [[[(.48, .30, .23, .20, -150, 90), (.48, .70, .26, .20, -90, 150)]],
        [[(.26, .10), (.72, .10), (.46, .42), (.48, .68, .26, .22, -80, 150)]]],
    4: [[[(.62, .90), (.62, .10), (.22, .64), (.82, .64)]],
        [[(.28, .10), (.26, .52), (.76, .52)], [(.68, .12), (.66, .90)]]],
    5: [[[(.74, .10), (.32, .10), (.29, .46), (.49, .65, .26, .25, -130, 140)]],
        [[(.34, .12), (.31, .46), (.48, .66, .25, .24, -120, 130)], [(.34, .12), (.76, .11)]]],
    6: [[[(.70, .14), (.62, .52, .36, .40, -110, -190), (.50, .68, .24, .22, -180, 180)]],
        [[(.60, .10), (.30, .60), (.50, .69, .22, .21, 190, 550)]]],
    7: [[[(.24, .10), (.76, .10), (.42, .90)]],
        [[(.24, .12), (.76, .10), (.44, .90)], [(.38, .50), (.72, .50)]],
        [[(.24, .22), (.26, .12), (.74, .14), (.56, .46), (.50, .90)]]],
    8: [[[(.50, .30, .20, .20, 90, 450), (.50, .70, .25, .20, -90, 270)]],
        [[(.70, .18), (.48, .27, .19, .17, -30, -200), (.66, .58), (.50, .72, .21, .18, -20, 200), (.70, .18)]]],
    9: [[[(.50, .32, .23, .22, 0, 360), (.72, .44), (.62, .90)]],
        [[(.50, .32, .22, .22, 20, 380), (.70, .70), (.46, .70, .24, .20, 0, 130)]]],
}

ARC_STEP = 10      # degrees between the points that stand for an arc


def trace(stroke):
    """Corners (k, 2) of the polyline that a stroke draws."""
    corners = []
    for piece in stroke:
        if len(piece) == 2:
            corners.append([piece])
        else:
            cx, cy, rx, ry, start, stop = piece
            angles = np.radians(np.linspace(start, stop, max(2, int(abs(stop - start) / ARC_STEP) + 1)))
            corners.append(np.stack([cx + rx * np.cos(angles), cy + ry * np.sin(angles)], axis=1))
    return np.concatenate(corners)


def sample_strokes(strokes, count):
    """`count` points (count, 2) along the strokes, equally spaced but for rounding, and the ink (count,) of each.

    The inks sum to the length of the strokes.
    """
    polylines = [trace(stroke) for stroke in strokes]
    lengths = np.array([np.hypot(*np.diff(line, axis=0).T).sum() for line in polylines])
    ends = np.rint(np.cumsum(lengths) / lengths.sum() * count).astype(int)
    points, ink = [], []
    for line, length, share in zip(polylines, lengths, np.diff(ends, prepend=0), strict=True):
        along = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
        where = (np.arange(share) + 0.5) / share * length
        points.append(np.stack([np.interp(where, along, line[:, axis]) for axis in (0, 1)], axis=1))
        ink.append(np.full(share, length / share))
    return np.concatenate(points), np.concatenate(ink)
