// qr_reader.mjs - reads the QR code that a server drew as SVG, with an independent reader (npm: jsqr).
import jsQR from 'jsqr';

const PIXELS = 4; // for each module

// Our SVG is one path of horizontal runs, "M{x} {y}h{length}v1h-{length}z", on a square of modules.
export function readQr(svg) {
  const [, size] = /viewBox="0 0 (\d+) \1"/.exec(svg).map(Number);
  const side = size * PIXELS, image = new Uint8ClampedArray(side * side * 4).fill(255);
  for (const [, x, y, length] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    for (let row = y * PIXELS; row < (Number(y) + 1) * PIXELS; row++)
      for (let column = x * PIXELS; column < (Number(x) + Number(length)) * PIXELS; column++)
        image.fill(0, (row * side + column) * 4, (row * side + column) * 4 + 3);
  }
  return jsQR(image, side, side)?.data;
}
