/* A rectangle cut into others of given areas: the same as oci_inspect/picture/squarify.py.

   ociSquarify(sizes, x, y, width, height) -> Float64Array of x, y, width, height for each size.
   Sizes are positive and fall. */
(() => {
  "use strict";

  /* How far the row goes that begins at start: where it would only get worse, it ends. */
  function rowEnd(sizes, start, short, scale) {
    const first = sizes[start] * scale;
    const side = short * short;
    let filled = 0;
    let worst = Infinity;
    for (let end = start; end < sizes.length; end += 1) {
      const last = sizes[end] * scale;
      filled += last;
      if (last <= 0 || short <= 0) return sizes.length;
      const square = filled * filled;
      const now = Math.max((side * first) / square, square / (side * last));
      if (now > worst) return end;
      worst = now;
    }
    return sizes.length;
  }

  function squarify(sizes, x, y, width, height) {
    const found = new Float64Array(4 * sizes.length);
    let left = 0;
    for (const size of sizes) left += size;
    if (left <= 0 || width * height <= 0) {
      for (let i = 0; i < sizes.length; i += 1) found.set([x, y], 4 * i);
      return found;
    }
    let start = 0;
    while (start < sizes.length) {
      const scale = left > 0 ? (width * height) / left : 0;
      const end = rowEnd(sizes, start, Math.min(width, height), scale);
      let filled = 0;
      for (let i = start; i < end; i += 1) filled += sizes[i];
      const share = end === sizes.length ? 1 : filled / left;
      const upright = width >= height;
      const thick = (upright ? width : height) * share;
      const long = upright ? height : width;
      let at = upright ? y : x;
      for (let i = start; i < end; i += 1) {
        const part = filled > 0 ? (long * sizes[i]) / filled : 0;
        found.set(upright ? [x, at, thick, part] : [at, y, part, thick], 4 * i);
        at += part;
      }
      if (upright) {
        x += thick;
        width -= thick;
      } else {
        y += thick;
        height -= thick;
      }
      left -= filled;
      start = end;
    }
    return found;
  }

  globalThis.ociSquarify = squarify;
})();
