"""Many small JPEGs of one header, decoded at once by NumPy, bit for bit as TensorFlow decodes them.

TensorFlow asks libjpeg for its fast inverse cosine transform, which rounds otherwise than the
accurate one of Pillow and OpenCV: on CIFAR-10 they differ by up to 5 levels. This is baseline JPEG
with 4:2:0 colour, in libjpeg's integer arithmetic (its `jidctfst`, its "fancy" upsampling of colour
and its 16-bit colour tables). All images take each step together, one Huffman symbol of each.

Legend: n images of H x W pixels, in units of 16 x 16 pixels: six blocks of 8 x 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# The order in which a block's coefficients are written.
ZIGZAG = np.array(
    [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
     13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
     52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63]
)  # fmt: skip
UNIT = (0, 0, 0, 0, 1, 2)  # the components of a unit's blocks: four of brightness, two of colour
_AAN = np.cos(np.arange(8) * np.pi / 16) * np.sqrt(2)
_AAN[0] = 1.0
_FIRST, _REST = 0, 1  # a block's first coefficient has codes of its own
_PEEK = 16  # bits of the longest code


def common_header(jpegs: Sequence[bytes]) -> bytes:
    """The header that all have; ValueError where one has another."""
    start = jpegs[0].index(b"\xff\xda")
    header = jpegs[0][: start + 2 + int.from_bytes(jpegs[0][start + 2 : start + 4], "big")]
    for number, jpeg in enumerate(jpegs):
        if not jpeg.startswith(header) or not jpeg.endswith(b"\xff\xd9"):
            raise ValueError(f"JPEG {number} has another header than the first, or no end")
    return header


def decoded(header: bytes, scans: Sequence[bytes]) -> np.ndarray:
    """uint8 [n, H, W, 3] of the scans: what follows the header, without the end's two bytes."""
    image = _Header(header)
    columns, lines = image.width // 16, image.height // 16
    coefficients = _entropy_decoded(image, scans, columns * lines)
    n = len(scans)
    pixels = _inverse(coefficients, image)  # [n, units, 6, 8, 8]
    units = pixels.reshape(n, lines, columns, 6, 8, 8)
    bright = units[:, :, :, :4].reshape(n, lines, columns, 2, 2, 8, 8)
    bright = bright.transpose(0, 1, 3, 5, 2, 4, 6).reshape(n, image.height, image.width)
    colour = [
        _upsampled(units[:, :, :, part].transpose(0, 1, 3, 2, 4).reshape(n, lines * 8, columns * 8))
        for part in (4, 5)
    ]
    return _rgb(bright, *colour)


class _Header:
    """What the decoder needs of a header. ValueError where it is of another kind."""

    def __init__(self, header: bytes):
        self.quantisers, self.codes = {}, {}
        place = 2
        while place < len(header):
            marker, size = header[place + 1], int.from_bytes(header[place + 2 : place + 4], "big")
            body = header[place + 4 : place + 2 + size]
            if marker == 0xDB:
                self.quantisers[body[0]] = np.frombuffer(body, np.uint8, 64, 1).astype(np.int64)
            elif marker == 0xC4:
                self.codes[body[0] & 15, body[0] >> 4] = _code_table(body)
            elif 0xC0 <= marker <= 0xCF:
                self.height, self.width = (int.from_bytes(body[i : i + 2], "big") for i in (1, 3))
                kind = (marker, body[5], body[7], body[10], body[13])
                self.tables = [body[8 + 3 * part] for part in range(3)]
            place += 2 + size
        if kind != (0xC0, 3, 0x22, 0x11, 0x11) or self.height % 16 or self.width % 16:
            raise ValueError("want baseline JPEG, colour at half size, sides that 16 divides")


def _code_table(body: bytes) -> tuple[np.ndarray, np.ndarray]:
    """(symbol, bits of its code) for every 16 bits that may come."""
    counts, symbols = body[1:17], body[17:]
    symbol, bits = np.zeros(1 << _PEEK, np.uint8), np.zeros(1 << _PEEK, np.uint8)
    code = number = 0
    for length, count in enumerate(counts, start=1):
        for _ in range(count):
            span = slice(code << _PEEK - length, code + 1 << _PEEK - length)
            symbol[span], bits[span] = symbols[number], length
            code, number = code + 1, number + 1
        code <<= 1
    return symbol, bits


def _entropy_decoded(image: _Header, scans: Sequence[bytes], units: int) -> np.ndarray:
    """int32 [n, units, 6, 64]: quantised coefficients, in their natural order."""
    n = len(scans)
    plain = [scan.replace(b"\xff\x00", b"\xff") for scan in scans]
    sizes = np.array([len(scan) for scan in plain], np.int64)
    stream = np.frombuffer(b"".join(scan + b"\xff" * 8 for scan in plain), np.uint8).astype(
        np.int64
    )
    bit = 8 * (np.cumsum(sizes + 8) - sizes - 8)
    # A table for each component and kind of coefficient: component 0 has tables 0, the others 1.
    symbols = np.stack([image.codes[c, kind][0] for c in (0, 1) for kind in (0, 1)])
    lengths = np.stack([image.codes[c, kind][1] for c in (0, 1) for kind in (0, 1)])
    out = np.zeros((n, units * 6, 64), np.int32)
    unit = np.array(UNIT)
    before = np.zeros((n, 3), np.int64)  # a component's last first coefficient
    who, block, place = np.arange(n), np.zeros(n, np.int64), np.zeros(n, np.int64)

    def peek(at):
        byte = at >> 3
        word = (
            stream[byte] << 24 | stream[byte + 1] << 16 | stream[byte + 2] << 8 | stream[byte + 3]
        )
        return word << 8 | stream[byte + 4]  # 40 bits, of which at least 33 are new

    while len(who):
        component = unit[block % 6]
        table = 2 * (component > 0) + (place > 0)
        word = peek(bit)
        code = word >> 40 - _PEEK - (bit & 7) & 0xFFFF
        symbol, length = symbols[table, code].astype(np.int64), lengths[table, code]
        extra = symbol & 15
        value = word >> 40 - (bit & 7) - length - extra & (1 << extra) - 1
        value = np.where(value < 1 << extra >> 1, value - (1 << extra) + 1, value)
        bit = bit + length + extra
        first = place == 0
        value[first] += before[who[first], component[first]]
        before[who[first], component[first]] = value[first]
        run = np.where(first, 0, symbol >> 4)
        end = ~first & (symbol == 0)
        place = np.where(end, 64, place + run)
        writes = (first | (extra > 0)) & (place < 64)
        out[who[writes], block[writes], ZIGZAG[place[writes]]] = value[writes]
        place += 1
        over = place >= 64
        block, place = block + over, np.where(over, 0, place)
        left = block < units * 6
        if not left.all():
            who, block, place, bit = who[left], block[left], place[left], bit[left]
    return out.reshape(n, units, 6, 64)


def _inverse(coefficients: np.ndarray, image: _Header) -> np.ndarray:
    """uint8 [..., 6, 8, 8]: libjpeg's fast integer transform (Arai, Agui and Nakajima)."""
    scale = np.rint(np.outer(_AAN, _AAN).reshape(64) * (1 << 14)).astype(np.int64)
    factors = np.empty((6, 64), np.int32)
    for number, component in enumerate(UNIT):
        table = np.empty(64, np.int64)
        table[ZIGZAG] = image.quantisers[image.tables[component]]
        factors[number] = table * scale + (1 << 11) >> 12
    values = (coefficients * factors).reshape(*coefficients.shape[:-1], 8, 8)
    columns = _pass([values[..., line, :] for line in range(8)])
    lines = _pass([np.stack(columns, axis=-2)[..., column] for column in range(8)])
    return np.clip((np.stack(lines, axis=-1) >> 5) + 128, 0, 255).astype(np.uint8)


def _pass(x: list[np.ndarray]) -> list[np.ndarray]:
    """One dimension of the transform."""
    even_sum, even_difference = x[0] + x[4], x[0] - x[4]
    sum13 = x[2] + x[6]
    difference13 = ((x[2] - x[6]) * 362 >> 8) - sum13
    t0, t3 = even_sum + sum13, even_sum - sum13
    t1, t2 = even_difference + difference13, even_difference - difference13
    z13, z10, z11, z12 = x[5] + x[3], x[5] - x[3], x[1] + x[7], x[1] - x[7]
    t7 = z11 + z13
    z5 = (z10 + z12) * 473 >> 8
    t6 = (z10 * -669 >> 8) + z5 - t7
    t5 = ((z11 - z13) * 362 >> 8) - t6
    t4 = (z12 * 277 >> 8) - z5 + t5
    return [t0 + t7, t1 + t6, t2 + t5, t3 - t4, t3 + t4, t2 - t5, t1 - t6, t0 - t7]


def _upsampled(half: np.ndarray) -> np.ndarray:
    """uint8 [n, h, w] -> int32 [n, 2 h, 2 w]: nearer neighbours count three times."""
    half = half.astype(np.int32)
    n, height, width = half.shape
    edge = np.pad(half, ((0, 0), (1, 1), (0, 0)), mode="edge")
    rows = np.stack([3 * half + edge[:, :-2], 3 * half + edge[:, 2:]], axis=2)
    rows = rows.reshape(n, 2 * height, width)
    left = np.pad(rows, ((0, 0), (0, 0), (1, 0)), mode="edge")[:, :, :-1]
    right = np.pad(rows, ((0, 0), (0, 0), (0, 1)), mode="edge")[:, :, 1:]
    both = np.stack([3 * rows + left + 8 >> 4, 3 * rows + right + 7 >> 4], axis=3)
    return both.reshape(n, 2 * height, 2 * width)


def _rgb(bright: np.ndarray, blue: np.ndarray, red: np.ndarray) -> np.ndarray:
    """uint8 [n, H, W, 3] of YCbCr, in 16-bit fixed point."""

    def fixed(number):
        return int(number * 65536 + 0.5)

    x, half = np.arange(256, dtype=np.int64) - 128, 1 << 15
    to_red, to_blue = fixed(1.402) * x + half >> 16, fixed(1.772) * x + half >> 16
    green_of_red, green_of_blue = -fixed(0.71414) * x, -fixed(0.34414) * x + half
    out = np.empty((*bright.shape, 3), np.uint8)
    bright = bright.astype(np.int64)
    out[..., 0] = np.clip(bright + to_red[red], 0, 255)
    out[..., 1] = np.clip(bright + (green_of_blue[blue] + green_of_red[red] >> 16), 0, 255)
    out[..., 2] = np.clip(bright + to_blue[blue], 0, 255)
    return out
