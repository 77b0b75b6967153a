"""What a run prints: one line an epoch; on a terminal a progress bar where tqdm is installed."""
import sys


class Console:
    """Prints to `stream`."""

    def __init__(self, stream=None):
        self.stream = sys.stdout if stream is None else stream
        self._bar = None

    def line(self, text=""):
        self._close_bar()
        print(text, file=self.stream, flush=True)

    def epoch(self, record, epochs):
        """A finished epoch, and in the noise search every layer's sigma."""
        self.line(f"{record['step']:>8} epoch {record['epoch']}/{epochs}   loss {record['loss']:7.4f}   "
                  f"validation loss {record['val_loss']:7.4f}, accuracy {100 * record['val_accuracy']:6.2f} %   "
                  f"{record['seconds']:5.1f} s")
        if "sigma" in record:
            levels = (f"{name} {value:+.4f}" for name, value in record["sigma"].items())
            self.line("         sigma   " + "   ".join(levels))

    def batch(self, step, done, total):
        """Progress within an epoch."""
        if not self.stream.isatty():
            return
        if self._bar is None:
            self._bar = new_bar(step, total, self.stream)
        if self._bar is not False:
            self._bar.update(done - self._bar.n)

    def _close_bar(self):
        if self._bar:
            self._bar.close()
        self._bar = None


def new_bar(step, total, stream):
    """A tqdm bar that clears itself, or False where tqdm is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return False
    return tqdm(total=total, desc=step, file=stream, leave=False, unit="batch")
