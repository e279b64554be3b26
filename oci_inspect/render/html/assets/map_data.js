/* The data of the map: read once, summed once, without recursion; and how figures are written.

   Leaves paths, sums and look-ups on document.getElementById("map").ociMap. A folder is a number
   (0 is the root), a leaf is one too; leaves of a folder lie side by side. A side is 0 or 1. */
(() => {
  "use strict";
  const section = document.getElementById("map");
  const source = document.getElementById("map-data");
  if (!section || !source) return;

  const UNITS = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
  const TYPES = {
    f: "file",
    l: "symbolic link",
    h: "hard link",
    c: "character device",
    b: "block device",
    p: "named pipe",
  };

  /* A text of exact decimals cut after some of them; halves go to the even digit, as in Python. */
  function halfEven(value, exact, cut) {
    const next = exact.slice(exact.indexOf(".") + 1 + cut);
    const rounded = value.toFixed(cut);
    if (!/^50*$/.test(next)) return rounded;
    const below = exact.slice(0, exact.indexOf(".") + (cut ? 1 + cut : 0));
    return "02468".includes(below.at(-1)) ? below : rounded;
  }

  const fixed = (value, digits) => halfEven(value, value.toFixed(60), digits);

  /* As docker prints sizes: the same as human_size of oci_inspect/quantities.py. */
  function humanSize(size) {
    let number = size;
    let unit = 0;
    while (number >= 999.5 && unit < UNITS.length - 1) {
      number /= 1000;
      unit += 1;
    }
    const digits = number >= 100 ? 0 : number >= 10 ? 1 : 2;
    return String(Number(fixed(number, digits))) + UNITS[unit];
  }

  function percent(part, whole) {
    const ratio = whole > 0 ? part / whole : 0;
    if (ratio <= 0) return "0%";
    if (ratio >= 1) return "100%";
    return `${fixed(Math.min(Math.max(ratio * 100, 0.1), 99.9), 1)}%`;
  }

  const number = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
  const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

  const raw = JSON.parse(source.textContent);
  const size = raw.folders.length;
  const leafCount = raw.folders.reduce(
    (sum, one) => one[2].reduce((inner, group) => inner + group[4].length, sum),
    0,
  );
  const parents = new Int32Array(size);
  const names = new Array(size);
  const children = new Array(size);
  const rests = new Array(size);
  const leafStart = new Int32Array(size + 1);
  const leafNames = new Array(leafCount);
  const leafSizes = new Float64Array(leafCount);
  const leafLayers = new Int32Array(leafCount);
  const leafKinds = new Uint8Array(leafCount);
  const leafTypes = new Array(leafCount);
  const leafFolders = new Int32Array(leafCount);
  const sums = new Float64Array(2 * size);
  const counts = new Float64Array(2 * size);
  const sideOf = raw.kinds.map((one) => one.side);
  const none = [];

  let leaf = 0;
  raw.folders.forEach(([parent, name, groups, folded], folder) => {
    parents[folder] = parent;
    names[folder] = name;
    children[folder] = none;
    rests[folder] = folded.map(([kind, layer, paths, bytes]) => ({ kind, layer, paths, bytes }));
    if (parent >= 0) {
      if (children[parent] === none) children[parent] = [];
      children[parent].push(folder);
    }
    leafStart[folder] = leaf;
    for (const [layer, kind, type, joined, sizes] of groups) {
      joined.split("/").forEach((one, i) => {
        leafNames[leaf] = one;
        leafSizes[leaf] = sizes[i];
        leafLayers[leaf] = layer;
        leafKinds[leaf] = kind;
        leafTypes[leaf] = type;
        leafFolders[leaf] = folder;
        leaf += 1;
        sums[2 * folder + sideOf[kind]] += sizes[i];
        counts[2 * folder + sideOf[kind]] += 1;
      });
    }
    for (const one of rests[folder]) {
      sums[2 * folder + sideOf[one.kind]] += one.bytes;
      counts[2 * folder + sideOf[one.kind]] += one.paths;
    }
  });
  leafStart[size] = leaf;
  for (let folder = size - 1; folder > 0; folder -= 1) {
    for (const side of [0, 1]) {
      sums[2 * parents[folder] + side] += sums[2 * folder + side];
      counts[2 * parents[folder] + side] += counts[2 * folder + side];
    }
  }

  const sum = (folder, side) => sums[2 * folder + side];
  const total = (folder) => sums[2 * folder] + sums[2 * folder + 1];

  /* The folders from the root to this one. */
  function lineage(folder) {
    const found = [];
    for (let one = folder; one >= 0; one = parents[one]) found.push(one);
    return found.reverse();
  }

  let paths = new Map();

  /* Kept for some: tiles lie in few folders, and each says its path. */
  function folderPath(folder) {
    let found = paths.get(folder);
    if (found === undefined) {
      if (paths.size > 5000) paths = new Map();
      found = folder === 0 ? "/" : lineage(folder).map((one) => names[one]).join("/");
      paths.set(folder, found);
    }
    return found;
  }
  const within = (folder, name) => (folder === 0 ? `/${name}` : `${folderPath(folder)}/${name}`);
  const leafPath = (one) => within(leafFolders[one], leafNames[one]);

  /* All leaves of one path: a file may have died several times there, and live as well. */
  function versions(folder, name) {
    const found = [];
    for (let one = leafStart[folder]; one < leafStart[folder + 1]; one += 1) {
      if (leafNames[one] === name) found.push(one);
    }
    return found.sort((a, b) => leafKinds[a] - leafKinds[b] || leafLayers[b] - leafLayers[a]);
  }

  /* Where a path leads: the innermost folder that is there, the leaf in it or null, what is left. */
  function resolve(path) {
    const parts = path.split("/").filter((part) => part !== "");
    let folder = 0;
    for (let i = 0; i < parts.length; i += 1) {
      const below = children[folder].find((one) => names[one] === parts[i]);
      if (below === undefined) {
        const found = i === parts.length - 1 ? versions(folder, parts[i]) : none;
        return { folder, leaf: found.length ? found[0] : null, lost: !found.length };
      }
      folder = below;
    }
    return { folder, leaf: null, lost: false };
  }

  const known = new Map();

  /* The layer ("layer") or kind ("kind") that has most of the bytes of a folder on a side; only
     where there is no other, and the bytes of all. */
  function most(folder, side, by) {
    const key = (2 * folder + side) * 2 + (by === "kind" ? 1 : 0);
    if (known.has(key)) return known.get(key);
    const bytes = new Map();
    const add = (what, more) => bytes.set(what, (bytes.get(what) || 0) + more);
    const column = by === "kind" ? leafKinds : leafLayers;
    const stack = [folder];
    while (stack.length) {
      const one = stack.pop();
      if (sums[2 * one + side] === 0) continue;
      for (let i = leafStart[one]; i < leafStart[one + 1]; i += 1) {
        if (sideOf[leafKinds[i]] === side) add(column[i], leafSizes[i]);
      }
      for (const rest of rests[one]) if (sideOf[rest.kind] === side) add(rest[by], rest.bytes);
      for (const below of children[one]) stack.push(below);
    }
    let best = by === "kind" ? sideOf.indexOf(side) : -1;
    let largest = 0;
    for (const [what, much] of bytes) {
      if (much > largest || (much === largest && what < best)) [best, largest] = [what, much];
    }
    const only = bytes.size < 2;
    known.set(key, { what: best, only, all: bytes });
    return known.get(key);
  }

  const twoSided = Array.isArray(raw.layers[0]);

  /* What the page knows of a layer, null where there is none. */
  function layer(side, index) {
    const list = twoSided ? raw.layers[side] : raw.layers;
    return (list && list[index]) || null;
  }

  section.ociMap = {
    sides: raw.sides,
    kinds: raw.kinds,
    size,
    leafCount,
    parents,
    names,
    children,
    rests,
    leafStart,
    leafNames,
    leafSizes,
    leafLayers,
    leafKinds,
    leafFolders,
    sideOf,
    twoSided,
    /* Where there is no pointer and no keyboard is sure, words tell of neither. */
    touch: !matchMedia("(hover: hover) and (pointer: fine)").matches,
    /* Only where one side is alive is the other one dead, and hatched. */
    hatched: raw.kinds.some((one) => one.key === "live"),
    leafType: (one) => TYPES[leafTypes[one]] || "file",
    sum,
    total,
    count: (folder, side) => counts[2 * folder + side],
    lineage,
    folderPath,
    leafPath,
    versions,
    resolve,
    most,
    layer,
    humanSize,
    percent,
    number,
    plural,
  };
})();
