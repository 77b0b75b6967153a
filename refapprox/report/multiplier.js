"use strict";
// Everything on this page is computed here, from the table, by the definitions of refapprox.multipliers.metrics.
const data = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const state = {distribution: 0, fanIn: data.fan_in, cutX: 0, cutW: 0, x: 0, w: 0};

function decode(text) {                                   // base64 of little-endian int32
  const bytes = Uint8Array.from(atob(text), c => c.charCodeAt(0));
  return new Int32Array(bytes.buffer);
}
const multipliers = data.multipliers.map(m => ({name: m.name, table: decode(m.lut)}));
const rows = 2 ** data.bits_x, columns = 2 ** data.bits_w;

function show(value) {                                    // six significant digits, as f"{value:.6g}" counts them
  return Number.isFinite(value) ? String(Number(value.toPrecision(6))) : "-";
}

function cut(value, bits) { return (value >> bits) << bits; }

function errorMap(table) {                                // exact - approximate of operands whose low bits are cut
  const error = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const x = i + data.x_min, row = (cut(x, state.cutX) - data.x_min) * columns;
    for (let j = 0; j < columns; j++) {
      const w = j + data.w_min;
      error[i * columns + j] = x * w - table[row + cut(w, state.cutW) - data.w_min];
    }
  }
  return error;
}

function metrics(error) {
  const p = data.distributions[state.distribution].x, q = data.distributions[state.distribution].w;
  let mae = 0, wce = 0, ep = 0, mse = 0, bias = 0, mre = 0, wcre = 0, nonzero = 0, largest = 0;
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    const exact = Math.abs((i + data.x_min) * (j + data.w_min)), weight = p[i] * q[j], e = error[i * columns + j];
    largest = Math.max(largest, exact);
    if (weight === 0) continue;
    const size = Math.abs(e);
    mae += weight * size; mse += weight * e * e; bias += weight * e;
    wce = Math.max(wce, size);
    if (e !== 0) ep += weight;
    if (exact !== 0) { nonzero += weight; mre += weight * size / exact; wcre = Math.max(wcre, size / exact); }
  }
  let variance = 0;
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++)
    variance += p[i] * q[j] * (error[i * columns + j] - bias) ** 2;
  const codes = 2 ** (data.bits_x + data.bits_w);
  return {"MAE": mae, "MAE%": 100 * mae / codes, "WCE": wce, "WCE%": 100 * wce / codes,
          "WCRE%": nonzero ? 100 * wcre : NaN, "EP%": 100 * ep, "MRE%": nonzero ? 100 * mre / nonzero : NaN,
          "MSE": mse, "NMED": mae / largest, "bias": bias, "variance": variance};
}

// ---- the accumulated error of fanIn independent products

function fft(re, im, inverse) {                           // in place, length a power of two
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) { [re[i], re[j]] = [re[j], re[i]]; [im[i], im[j]] = [im[j], im[i]]; }
  }
  for (let size = 2; size <= n; size <<= 1) {
    const half = size >> 1, angle = (inverse ? 2 : -2) * Math.PI / size;
    for (let k = 0; k < half; k++) {
      const c = Math.cos(angle * k), s = Math.sin(angle * k);
      for (let i = k; i < n; i += size) {
        const j = i + half, tr = re[j] * c - im[j] * s, ti = re[j] * s + im[j] * c;
        re[j] = re[i] - tr; im[j] = im[i] - ti; re[i] += tr; im[i] += ti;
      }
    }
  }
}

function law(error, mean, std) {                          // {first, pmf}: the exact law, on whole numbers around its mean
  const p = data.distributions[state.distribution].x, q = data.distributions[state.distribution].w, n = state.fanIn;
  const reach = 10 * std * Math.sqrt(n) + 2 * Math.max(...[0, 1].map(s => Math.abs(extreme(error, s) - mean)));
  let size = 16;
  while (size < 2 * reach && size < 2 ** 20) size *= 2;
  const re = new Float64Array(size), im = new Float64Array(size), shift = Math.round(mean);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) {
    const place = (error[i * columns + j] - shift) % size;
    re[place < 0 ? place + size : place] += p[i] * q[j];
  }
  fft(re, im, false);
  for (let k = 0; k < size; k++) {                        // to the power n
    const r = Math.hypot(re[k], im[k]) ** n, a = Math.atan2(im[k], re[k]) * n;
    re[k] = r * Math.cos(a); im[k] = r * Math.sin(a);
  }
  fft(re, im, true);
  const center = Math.round(n * (mean - shift)), first = center - size / 2, pmf = new Float64Array(size);
  for (let k = 0; k < size; k++) {
    const place = (first + k) % size;
    pmf[k] = Math.max(0, re[place < 0 ? place + size : place] / size);
  }
  return {first: first + n * shift, pmf};
}

function extreme(error, largest) {
  let found = error[0];
  for (const e of error) found = largest ? Math.max(found, e) : Math.min(found, e);
  return found;
}

function phi(z) {                                         // standard normal distribution function
  if (z > 8) return 1;
  if (z < -8) return 0;
  let term = z, sum = z;                                  // Marsaglia's series: 1/2 + density * (z + z^3/3 + z^5/15 ...)
  for (let i = 3; Math.abs(term) > 1e-17; i += 2) { term *= z * z / i; sum += term; }
  return 0.5 + sum * Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI);
}

function distance({first, pmf}, mean, std) {              // Kolmogorov distance to the Gaussian of the same mean and std
  let cumulative = 0, found = 0;
  for (let k = 0; k < pmf.length; k++) {
    const gaussian = phi((first + k - mean) / std);
    found = Math.max(found, Math.abs(cumulative - gaussian));
    cumulative += pmf[k];
    found = Math.max(found, Math.abs(cumulative - gaussian));
  }
  return found;
}

// ---- drawing

function color(value, limit) {
  const place = (Math.max(-1, Math.min(1, value / limit)) + 1) / 2 * (data.colors.length - 1);
  const low = Math.min(Math.floor(place), data.colors.length - 2), part = place - low;
  return data.colors[low].map((c, i) => Math.round(c + part * (data.colors[low + 1][i] - c)));
}

function drawMap(index, error, limit) {
  const canvas = $("map" + index), room = Math.max(1, Math.floor((canvas.parentElement.clientWidth - 2) / rows));
  const zoom = Math.max(1, Math.min(room, Math.floor(512 / rows)));      // whole pixels a code: no pattern of its own
  canvas.width = rows * zoom; canvas.height = columns * zoom;
  const small = new ImageData(rows, columns);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++)
    small.data.set([...color(error[i * columns + j], limit), 255], 4 * ((columns - 1 - j) * rows + i));
  const copy = document.createElement("canvas");
  copy.width = rows; copy.height = columns;
  copy.getContext("2d").putImageData(small, 0, 0);
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.drawImage(copy, 0, 0, canvas.width, canvas.height);
  const px = (state.x - data.x_min) * zoom, py = (columns - 1 - (state.w - data.w_min)) * zoom;
  context.strokeStyle = "#000"; context.strokeRect(px - 3.5, py - 3.5, zoom + 7, zoom + 7);
  context.strokeStyle = "#fff"; context.strokeRect(px - 2.5, py - 2.5, zoom + 5, zoom + 5);
}

function niceTicks(low, high, wanted) {                    // round values between low and high, about as many as wanted
  const rough = (high - low) / wanted, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(factor => factor * power >= rough);
  const first = Math.ceil(low / step);
  return Array.from({length: Math.floor(high / step) - first + 1}, (_, k) => (first + k) * step);
}

function drawHistogram(found) {
  const width = Math.min(640, $("histogram").clientWidth), height = 240, left = 32, bottom = 34, bins = 60;
  const live = found.filter(f => f.std > 0);
  if (!live.length) { $("histogram").innerHTML = "<p>No error under this distribution: nothing accumulates.</p>"; return; }
  const low = Math.min(...live.map(f => f.mean - 4.5 * f.std)), high = Math.max(...live.map(f => f.mean + 4.5 * f.std));
  const step = Math.max(1, Math.round((high - low) / bins)), count = Math.ceil((high - low) / step);
  const start = Math.floor(low);
  const bars = live.map(f => {
    const sums = new Float64Array(count);
    f.law.pmf.forEach((p, k) => { const b = Math.floor((f.law.first + k - start) / step); if (b >= 0 && b < count) sums[b] += p; });
    return sums.map(s => s / step);
  });
  const density = (f, s) => Math.exp(-0.5 * ((s - f.mean) / f.std) ** 2) / (f.std * Math.sqrt(2 * Math.PI));
  const top = 1.08 * Math.max(...bars.flatMap(b => [...b]), ...live.map(f => density(f, f.mean)));
  const px = s => left + (s - start) / (count * step) * (width - left - 8), py = d => (height - bottom) * (1 - d / top);
  const parts = live.map((f, m) => {
    const boxes = [...bars[m]].map((d, b) => `<rect x="${px(start + b * step)}" y="${py(d)}" width="${px(start + step) - px(start)}" height="${Math.max(0, height - bottom - py(d))}" class="bar${f.index}"/>`).join("");
    const line = Array.from({length: 161}, (_, k) => { const s = f.mean + f.std * (k - 80) / 18; return `${px(s)},${py(density(f, s))}`; });
    return `${boxes}<polyline points="${line.join(" ")}" class="line${f.index}"/>`;
  });
  const ticks = niceTicks(start, start + count * step, width / 110);
  $("histogram").innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="probability density of the accumulated error">${parts.join("")}
    <line x1="${left}" x2="${width}" y1="${height - bottom}" y2="${height - bottom}" class="axis"/>
    ${ticks.map(t => `<text x="${px(t)}" y="${height - bottom + 15}" text-anchor="middle">${t}</text>`).join("")}
    <text x="${(width + left) / 2}" y="${height - 4}" text-anchor="middle">accumulated error, exact - approximate</text>
    <text x="14" y="${(height - bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(height - bottom) / 2})">density</text></svg>`;
}

function table(id, header, body) {
  const row = (cells, kind) => `<tr>${cells.map(c => `<${kind}>${c}</${kind}>`).join("")}</tr>`;
  $(id).innerHTML = row(header, "th") + body.map(cells => row(cells, "td")).join("");
}

let current = [];

function readout() {
  const body = multipliers.map((m, index) => {
    const error = current[index].error[(state.x - data.x_min) * columns + state.w - data.w_min], exact = state.x * state.w;
    return [m.name, state.x, state.w, exact, exact - error, error];
  });
  table("readout", ["", "x", "w", "exact", "approximate", "error"], body);
}

function redrawMaps() {
  const limit = Math.max(1, ...current.map(c => Math.max(extreme(c.error, 1), -extreme(c.error, 0))));
  current.forEach((c, index) => drawMap(index, c.error, limit));
  $("scale").textContent = `colors from -${limit} (dark blue) over 0 (white) to ${limit} (orange)`;
  readout();
}

function accumulated() {
  const found = current.map((c, index) => {
    const mean = state.fanIn * c.metrics.bias, std = Math.sqrt(state.fanIn * c.metrics.variance);
    return {index, mean, std, law: std > 0 ? law(c.error, c.metrics.bias, Math.sqrt(c.metrics.variance)) : null};
  });
  table("sums", ["", "mean", "std", "distance to the Gaussian"], found.map(f =>
    [`<span class="swatch${f.index}"></span>${multipliers[f.index].name}`, show(f.mean), show(f.std), f.law ? distance(f.law, f.mean, f.std).toFixed(4) : "-"]));
  drawHistogram(found);
}

function recompute() {
  current = multipliers.map(m => { const error = errorMap(m.table); return {error, metrics: metrics(error)}; });
  table("metrics", ["", ...multipliers.map(m => m.name)],
        Object.keys(current[0].metrics).map(key => [key, ...current.map(c => show(c.metrics[key]))]));
  redrawMaps();
  accumulated();
}

function point(x, w) {
  state.x = Math.max(data.x_min, Math.min(data.x_min + rows - 1, x));
  state.w = Math.max(data.w_min, Math.min(data.w_min + columns - 1, w));
  redrawMaps();
}

multipliers.forEach((_, index) => {
  const canvas = $("map" + index);
  const read = event => {
    point(data.x_min + Math.floor(event.offsetX / canvas.clientWidth * rows),
          data.w_min + columns - 1 - Math.floor(event.offsetY / canvas.clientHeight * columns));
  };
  canvas.addEventListener("pointermove", read);
  canvas.addEventListener("pointerdown", read);            // a finger does not hover
  canvas.addEventListener("keydown", event => {
    const step = event.shiftKey ? 16 : 1, move = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1]}[event.key];
    if (!move) return;
    event.preventDefault();
    point(state.x + step * move[0], state.w + step * move[1]);
  });
});

function slider(id, key, then) {
  const control = $(id);
  control.addEventListener("input", () => {
    state[key] = Number(control.value);
    $(id + "-value").textContent = control.value;
    then();
  });
}
slider("fan-in", "fanIn", accumulated);
slider("cut-x", "cutX", recompute);
slider("cut-w", "cutW", recompute);
$("distribution").addEventListener("change", event => { state.distribution = event.target.selectedIndex; recompute(); });
window.addEventListener("resize", () => { redrawMaps(); accumulated(); });
recompute();
