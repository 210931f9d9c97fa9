// chart.mjs - line and scatter charts as SVG: axes linear or logarithmic, a series per colour, labels at
// the lines' ends. Readable on light and dark pages.
const WIDTH = 720, HEIGHT = 420;
const MARGIN = { left: 72, right: 176, top: 44, bottom: 52 };
const INK = '#7a7f87';
export const COLOURS = { ours: '#1f77d0', peer: '#d9772b' };

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const scaleOf = ({ from, to, log }) => {
  const place = log ? Math.log : (value) => value;
  return (value) => (place(value) - place(from)) / (place(to) - place(from));
};
const short = (value) => (value >= 1000 ? `${Number((value / 1000).toPrecision(3))}k` : String(Number(value.toPrecision(3))));

// x and y: {label, from, to, log, ticks}; series: {points: [[x, y]], colour, label, dashed, dots, line}.
export function chart({ title, x, y, series }) {
  const xScale = scaleOf(x), yScale = scaleOf(y);
  const atX = (value) => MARGIN.left + xScale(value) * (WIDTH - MARGIN.left - MARGIN.right);
  const atY = (value) => HEIGHT - MARGIN.bottom - yScale(value) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" `
    + `font-family="system-ui, sans-serif" font-size="13" fill="${INK}" role="img" aria-label="${escape(title)}">`,
    `<text x="${MARGIN.left}" y="24" font-size="16" font-weight="600">${escape(title)}</text>`,
  ];
  const text = (px, py, content, more = '') => out.push(
    `<text x="${px.toFixed(1)}" y="${py.toFixed(1)}" ${more}>${escape(content)}</text>`);
  for (const tick of y.ticks) {
    out.push(`<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${atY(tick).toFixed(1)}" y2="${atY(tick).toFixed(1)}" `
      + `stroke="${INK}" stroke-opacity="0.25"/>`);
    text(MARGIN.left - 8, atY(tick) + 4, short(tick), 'text-anchor="end"');
  }
  for (const tick of x.ticks) text(atX(tick), HEIGHT - MARGIN.bottom + 20, short(tick), 'text-anchor="middle"');
  text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - 10, x.label, 'text-anchor="middle"');
  text(-(MARGIN.top + HEIGHT - MARGIN.bottom) / 2, 18, y.label, 'text-anchor="middle" transform="rotate(-90)"');
  for (const { points, colour, label, dashed, line = true, dots = true } of series) {
    const path = points.map(([px, py], i) => `${i ? 'L' : 'M'}${atX(px).toFixed(1)} ${atY(py).toFixed(1)}`).join('');
    if (line) out.push(`<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"${dashed ? ' stroke-dasharray="6 4"' : ''}/>`);
    for (const [px, py, name] of dots ? points : []) {
      out.push(`<circle cx="${atX(px).toFixed(1)}" cy="${atY(py).toFixed(1)}" r="4" fill="${colour}">`
        + `<title>${escape(`${name ?? label}: ${short(py)}`)}</title></circle>`);
    }
    const [endX, endY] = points.at(-1);
    if (label) text(Math.min(atX(endX) + 8, WIDTH - MARGIN.right + 8), atY(endY) + 4, label, `fill="${colour}"`);
  }
  return out.join('\n') + '\n</svg>\n';
}
