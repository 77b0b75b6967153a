"""Which format the bytes of a file have."""
import codecs
import re
from pathlib import Path

from refapprox.multipliers.formats import mantissas, text

BYTE_ORDER_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def decoded(content):
    """The text of a file's bytes, or None where they are no text."""
    encoding = next((name for mark, name in BYTE_ORDER_MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        found = content.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if re.search(r"[\x00-\x08\x0e-\x1f\x7f]", found) else found


def detect(content: bytes, name: object = "file") -> str:
    """The format of a file's bytes, one of `FORMATS`; a ValueError if it is none of them."""
    if content.startswith(b"\x93NUMPY"):
        return "npy"
    if content.startswith(b"PK\x03\x04"):
        return "npz"
    found = decoded(content)
    if found is None or (tfapprox_bits(len(content)) and not text.SEPARATORS.search(found)):
        if tfapprox_bits(len(content)):
            return "tfapprox"
        if mantissas.mantissa_bits_of(len(content)):
            return "approxtrain"
        raise ValueError(f"{name} has no known format: {len(content)} bytes of binary data are neither npy, npz, "
                         f"TFApprox's 2 * 4**bits bytes (131072 for 8 bits) nor ApproxTrain's 4**m.")
    if text.ARRAY.search(found):
        return "transaxx" if "__device__" in found else "adapt" if "int16_t lut" in found else "c"
    if text.APPMULT in found:
        return "appmult"
    return "readmemh" if is_hex(found, str(name)) else "text"


def tfapprox_bits(size):
    """Width of the operands of a TFApprox file of `size` bytes, or None where no width gives this size."""
    bits = size.bit_length() // 2 - 1
    return bits if 1 <= bits <= 8 and size == 2 * 4 ** bits else None


def is_hex(found, name):
    """Whether a text looks like words for $readmemh: by its suffix, letters, or equally long words of digits."""
    if Path(name).suffix in (".hex", ".mem"):
        return True
    words = text.COMMENT.sub("", text.BLOCK_COMMENT.sub(" ", found)).split()
    if not words or not all(text.HEX_WORD.fullmatch(word.removeprefix("@")) for word in words):
        return False
    lengths = {len(word) for word in words if not word.startswith("@")}
    letters = any(re.search("[a-fA-F]", word) for word in words)
    return letters or len(lengths) == 1 and max(lengths) > 1


def is_table_text(content):
    """Whether the bytes are text with a table's numbers, rather than a note or a license."""
    found = decoded(content)
    if found is None:
        return False
    first = next((line for line in found.splitlines() if re.match(r"\W*[-+@]?[0-9]", line)), "")
    return text.APPMULT in found or bool(re.fullmatch(r"[-+0-9a-fA-FeE.,;|\s@_]+", first.strip() or "note"))
