/** Our own small drawings, 20 x 20, in the colour of the text. */

const PATHS = {
  bell: "M10 3.2v1.6M4 13.2a6 6 0 0 1 12 0M2.8 13.4h14.4M4.4 16.4h11.2M8.8 3.2h2.4",
  check: "M4.5 10.5l3.6 3.6 7.4-8",
  close: "M5 5l10 10M15 5L5 15",
  cross: "M6 6l8 8M14 6l-8 8",
  down: "M10 4v11M5.5 10.5L10 15l4.5-4.5",
  file: "M6 3h5.5L15 6.5V17H6zM11.5 3v3.5H15",
  lock: "M6 9V7a4 4 0 0 1 8 0v2M5 9h10v7.5H5z",
  menu: "M3.5 6h13M3.5 10h13M3.5 14h13",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  out: "M11 4h5v5M16 4l-7.5 7.5M13 11.5V16H4V7h4.5",
  reply: "M4 5h12v8.5H9L5.5 16.5v-3H4z",
  send: "M3.5 10L16.5 4l-4 12.5-2.8-4.9zM9.7 11.6l6.8-7.6",
  spark: "M10 3l1.8 5.2L17 10l-5.2 1.8L10 17l-1.8-5.2L3 10l5.2-1.8z",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
