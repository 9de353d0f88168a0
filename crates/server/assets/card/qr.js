// Draws QR codes of level M for what cards carry: digits, capitals and a few signs (alphanumeric mode), versions 1 to
// 10. It needs no network, so that a code that changes every half-minute can be drawn anywhere.

const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
// Error correction codewords of a block, and blocks, by version.
const ECC = [0, 10, 16, 26, 18, 24, 16, 18, 22, 22, 26];
const BLOCKS = [0, 1, 1, 1, 2, 2, 4, 4, 4, 5, 5];
const VERSION_MAX = 10;

// Modules that hold data: everything but patterns, format and version.
function rawModules(version) {
    let count = (16 * version + 128) * version + 64;
    if (version >= 2) {
        const lines = Math.floor(version / 7) + 2;
        count -= (25 * lines - 10) * lines - 55;
        if (version >= 7) count -= 36;
    }
    return count;
}

const dataCodewords = (version) => (rawModules(version) >> 3) - ECC[version] * BLOCKS[version];
const countBits = (version) => (version < 10 ? 9 : 11);

function versionFor(length) {
    const bits = 4 + 11 * (length >> 1) + 6 * (length & 1);
    for (let version = 1; version <= VERSION_MAX; version++) {
        if (bits + countBits(version) <= dataCodewords(version) * 8) return version;
    }
    throw new RangeError("too long for a code");
}

function encode(text, version) {
    const bits = [];
    const put = (value, length) => { for (let i = length - 1; i >= 0; i--) bits.push((value >> i) & 1); };
    put(2, 4);
    put(text.length, countBits(version));
    const digits = [...text].map((sign) => ALPHABET.indexOf(sign));
    if (digits.includes(-1)) throw new RangeError("a sign that is not in the alphabet");
    for (let i = 0; i + 1 < digits.length; i += 2) put(digits[i] * 45 + digits[i + 1], 11);
    if (digits.length % 2) put(digits.at(-1), 6);
    const room = dataCodewords(version) * 8;
    put(0, Math.min(4, room - bits.length));
    put(0, (8 - (bits.length % 8)) % 8);
    for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
    const bytes = [];
    for (let i = 0; i < bits.length; i += 8) bytes.push(bits.slice(i, i + 8).reduce((sum, bit) => sum * 2 + bit, 0));
    return bytes;
}

function times(x, y) {
    let product = 0;
    for (let i = 7; i >= 0; i--) {
        product = (product << 1) ^ ((product >> 7) * 0x11d);
        product ^= ((y >> i) & 1) * x;
    }
    return product;
}

function divisor(degree) {
    const result = new Array(degree).fill(0);
    result[degree - 1] = 1;
    for (let i = 0, root = 1; i < degree; i++, root = times(root, 2)) {
        for (let j = 0; j < degree; j++) {
            result[j] = times(result[j], root);
            if (j + 1 < degree) result[j] ^= result[j + 1];
        }
    }
    return result;
}

function remainder(data, by) {
    const result = by.map(() => 0);
    for (const byte of data) {
        const factor = byte ^ result.shift();
        result.push(0);
        by.forEach((coefficient, i) => { result[i] ^= times(coefficient, factor); });
    }
    return result;
}

// Splits data into blocks, adds error correction, and interleaves both.
function codewords(data, version) {
    const [blocks, ecc, raw] = [BLOCKS[version], ECC[version], rawModules(version) >> 3];
    const short = blocks - (raw % blocks);
    const length = Math.floor(raw / blocks) - ecc;
    const by = divisor(ecc);
    const parts = [];
    for (let i = 0, at = 0; i < blocks; i++) {
        const size = length + (i < short ? 0 : 1);
        parts.push(data.slice(at, at + size));
        at += size;
    }
    const checks = parts.map((part) => remainder(part, by));
    const result = [];
    for (let i = 0; i <= length; i++) parts.forEach((part) => { if (i < part.length) result.push(part[i]); });
    for (let i = 0; i < ecc; i++) checks.forEach((check) => result.push(check[i]));
    return result;
}

function alignments(version) {
    if (version === 1) return [];
    const last = version * 4 + 10;
    return version < 7 ? [6, last] : [6, 6 + (last - 6) / 2, last];
}

const MASKS = [
    (x, y) => (x + y) % 2, (x, y) => y % 2, (x) => x % 3, (x, y) => (x + y) % 3,
    (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
    (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
];

function penalty(dark) {
    const size = dark.length;
    let sum = 0;
    const lines = [...dark, ...dark.map((_, x) => dark.map((row) => row[x]))];
    for (const line of lines) {
        let run = 0;
        line.forEach((bit, i) => {
            run = i && line[i - 1] === bit ? run + 1 : 1;
            if (run === 5) sum += 3;
            else if (run > 5) sum += 1;
        });
        const text = line.map(Number).join("");
        for (const pattern of ["10111010000", "00001011101"]) {
            for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) sum += 40;
        }
    }
    let count = 0;
    for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
            count += Number(dark[y][x]);
            const one = dark[y][x];
            if (y && x && dark[y - 1][x] === one && dark[y][x - 1] === one && dark[y - 1][x - 1] === one) sum += 3;
        }
    }
    return sum + 10 * Math.floor(Math.abs((count * 100) / (size * size) - 50) / 5);
}

/** The modules of a code: rows of true for dark. */
export function modules(text) {
    const version = versionFor(text.length);
    const size = version * 4 + 17;
    const grid = () => Array.from({ length: size }, () => new Array(size).fill(false));
    const [dark, fixed] = [grid(), grid()];
    const set = (x, y, value) => { dark[y][x] = Boolean(value); fixed[y][x] = true; };
    const square = (cx, cy, reach, tone) => {
        for (let dy = -reach; dy <= reach; dy++) {
            for (let dx = -reach; dx <= reach; dx++) {
                const [x, y] = [cx + dx, cy + dy];
                if (x >= 0 && y >= 0 && x < size && y < size) set(x, y, tone(Math.max(Math.abs(dx), Math.abs(dy))));
            }
        }
    };
    for (let i = 0; i < size; i++) { set(6, i, i % 2 === 0); set(i, 6, i % 2 === 0); }
    for (const [x, y] of [[3, 3], [size - 4, 3], [3, size - 4]]) square(x, y, 4, (far) => far !== 2 && far !== 4);
    const places = alignments(version);
    for (const x of places) {
        for (const y of places) {
            const corner = (x === 6 && (y === 6 || y === places.at(-1))) || (y === 6 && x === places.at(-1));
            if (!corner) square(x, y, 2, (far) => far !== 1);
        }
    }
    const format = (mask) => {
        let rest = mask; // level M is 00
        for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537);
        const bits = ((mask << 10) | rest) ^ 0x5412;
        const bit = (i) => (bits >> i) & 1;
        for (let i = 0; i <= 5; i++) set(8, i, bit(i));
        set(8, 7, bit(6)); set(8, 8, bit(7)); set(7, 8, bit(8));
        for (let i = 9; i < 15; i++) set(14 - i, 8, bit(i));
        for (let i = 0; i < 8; i++) set(size - 1 - i, 8, bit(i));
        for (let i = 8; i < 15; i++) set(8, size - 15 + i, bit(i));
        set(8, size - 8, true);
    };
    format(0);
    if (version >= 7) {
        let rest = version;
        for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25);
        const bits = (version << 12) | rest;
        for (let i = 0; i < 18; i++) {
            const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)];
            set(a, b, (bits >> i) & 1); set(b, a, (bits >> i) & 1);
        }
    }
    const data = codewords(encode(text, version), version);
    let at = 0;
    for (let right = size - 1; right >= 1; right -= 2) {
        if (right === 6) right = 5;
        for (let step = 0; step < size; step++) {
            for (const x of [right, right - 1]) {
                const y = ((right + 1) & 2) === 0 ? size - 1 - step : step;
                if (!fixed[y][x] && at < data.length * 8) {
                    dark[y][x] = Boolean((data[at >> 3] >> (7 - (at & 7))) & 1);
                    at++;
                }
            }
        }
    }
    const flip = (mask) => dark.forEach((row, y) => row.forEach((_, x) => {
        if (!fixed[y][x] && MASKS[mask](x, y) === 0) row[x] = !row[x];
    }));
    let [best, least] = [0, Infinity];
    for (let mask = 0; mask < 8; mask++) {
        format(mask); flip(mask);
        const sum = penalty(dark);
        if (sum < least) [best, least] = [mask, sum];
        flip(mask);
    }
    format(best); flip(best);
    return dark;
}

/** One path for all dark modules, for an SVG whose unit is a module; `quiet` modules of white around. */
export function path(rows, quiet) {
    let d = "";
    rows.forEach((row, y) => {
        for (let x = 0; x < row.length; x++) {
            let width = 0;
            while (row[x + width]) width++;
            if (width) d += `M${x + quiet} ${y + quiet}h${width}v1h-${width}z`;
            x += width;
        }
    });
    return d;
}
