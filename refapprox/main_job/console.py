"""What a run prints: one line per epoch, and on a terminal how far the present one is; with the time that is left."""
import sys
import time

FEW_LAYERS = 10    # whose noise levels fit into a line
REFRESH = 0.2      # seconds between two states of the line that tells the progress within an epoch


class Console:
    """Prints to `stream`."""

    def __init__(self, stream=None):
        self.stream = sys.stdout if stream is None else stream
        self._shown = 0.0      # when the passing line was last written, 0 if it is not there

    def line(self, text=""):
        """A line that stays."""
        self._clear()
        print(text, file=self.stream, flush=True)

    def epoch(self, record, epochs, left=None):
        """A finished epoch, and in the noise search every layer's sigma, the extremes where they are many."""
        self.line(f"{record['step']:>8} epoch {record['epoch']}/{epochs}   loss {record['loss']:7.4f}   "
                  f"validation loss {record['val_loss']:7.4f}, accuracy {100 * record['val_accuracy']:6.2f} %   "
                  f"{record['seconds']:5.1f} s{'' if left is None else f'   {duration(left)} left'}")
        if "sigma" in record:
            levels = [f"{name} {value:+.4f}" for name, value in record["sigma"].items()]
            if len(levels) > FEW_LAYERS:
                least, *_, largest = sorted(levels, key=lambda level: abs(float(level.split()[1])))
                levels = [f"of {len(levels)} layers", f"least: {least}", f"largest: {largest}"]
            self.line("         sigma   " + "   ".join(levels))

    def batch(self, step, epoch, epochs, done, total, left=None):
        """Progress within an epoch, on a terminal only: a line that the next one replaces."""
        now = time.perf_counter()
        if not self.stream.isatty() or (now - self._shown < REFRESH and done < total):
            return
        self._shown = now
        print(f"\r\x1b[2K{step:>8} epoch {epoch}/{epochs}   batch {done}/{total}"
              f"{'' if left is None else f'   {duration(left)} left'}", end="", file=self.stream, flush=True)

    def _clear(self):
        if self._shown:
            print("\r\x1b[2K", end="", file=self.stream)
            self._shown = 0.0


def duration(seconds):
    """Seconds for people.

    >>> duration(7.4), duration(95), duration(7320)
    ('7 s', '1:35 min', '2:02 h')
    """
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    minutes = seconds // 60
    return f"{minutes}:{seconds % 60:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


class Pace:
    """How long the rest of a run takes: foretold, and corrected by how long its part so far took.

    `steps` maps every step, in order, to its epochs, the seconds foretold for one, and those beside its epochs.
    """

    def __init__(self, steps):
        self.steps = steps
        self.started = self.first = None

    def work(self, step, done):
        """Seconds foretold for the steps before `step` and `done` of its epochs, a fraction counts."""
        total = 0.0
        for name, (epochs, of_epoch, beside) in self.steps.items():
            if name == step:
                return total + of_epoch * done
            total += of_epoch * epochs + beside
        return total

    def left(self, step, done):
        """Seconds until everything is done, after `done` epochs of `step`; what was foretold until some of it is."""
        now, work = time.perf_counter(), self.work(step, done)
        if self.first is None:
            self.started, self.first = now, work
        passed = work - self.first
        return (self.work(None, 0) - work) * ((now - self.started) / passed if passed else 1.0)
