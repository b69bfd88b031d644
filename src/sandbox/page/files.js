/** Uploaded files under a message. */
import { h } from "./dom.js";
import { icon } from "./icons.js";

const PREVIEW_BYTES = 65_536;

export function renderFiles(files) {
  return h("div", { class: "files" }, files.map(renderFile));
}

function renderFile(file) {
  const url = `/files/${encodeURIComponent(file.id)}`;
  const isImage = file.mimetype.startsWith("image/");
  if (isImage) {
    return h(
      "figure",
      { class: "block-image", "data-key": file.id },
      h("figcaption", {}, file.title || file.name),
      h(
        "a",
        { href: url, target: "_blank", rel: "noopener" },
        h("img", { src: url, alt: file.title || file.name }),
      ),
    );
  }
  return h(
    "div",
    { class: "file", "data-key": file.id },
    h(
      "div",
      { class: "file-head" },
      h("span", { class: "file-icon" }, icon("file")),
      h(
        "div",
        { class: "file-name" },
        h("strong", {}, file.title || file.name),
        h("span", { class: "muted" }, `${file.name} · ${sizeOf(file.size)}`),
      ),
      h("a", { class: "btn btn-small", href: url, download: file.name }, "Download"),
    ),
    isText(file) && renderPreview(url),
  );
}

function renderPreview(url) {
  const fill = async (event) => {
    const text = event.currentTarget.querySelector("pre");
    if (!event.currentTarget.open || text.textContent) return;
    const response = await fetch(url, { headers: { range: `bytes=0-${PREVIEW_BYTES - 1}` } }).catch(
      () => null,
    );
    const whole = response?.ok ? await response.text() : "The file could not be read.";
    text.textContent = whole.length > PREVIEW_BYTES ? `${whole.slice(0, PREVIEW_BYTES)}\n…` : whole;
  };
  return h(
    "details",
    { ontoggle: fill },
    h("summary", {}, "Preview"),
    h("pre", { "data-keep": true, tabindex: "0" }),
  );
}

function isText(file) {
  return (
    /^text\/|json|yaml|xml|javascript/.test(file.mimetype) ||
    /\.(log|txt|md|sql|ya?ml|json|csv)$/.test(file.name)
  );
}

function sizeOf(bytes) {
  if (bytes < 1_000) return `${bytes} bytes`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
