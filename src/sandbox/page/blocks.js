/** Block Kit from data: what a message or a modal shows. Interactive elements are in elements.js. */
import { h } from "./dom.js";
import { renderElement } from "./elements.js";
import { renderText } from "./inline.js";
import { renderInput } from "./inputs.js";
import { renderMarkdown } from "./markdown.js";
import { renderPlan, renderTaskCard } from "./plan.js";
import { renderRichText } from "./richtext.js";

/** Blocks to elements; each is keyed by its block_id so that an update keeps what did not change. */
export function renderBlocks(blocks, ctx) {
  return blocks.map((block, index) => {
    const draw = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : unknownBlock;
    const element = draw(block, ctx);
    element.classList.add("block");
    element.setAttribute("data-key", `${block.type}/${block.block_id ?? index}`);
    return element;
  });
}

const BLOCKS = {
  section: renderSection,
  actions: (block, ctx) =>
    h(
      "div",
      { class: "block-actions" },
      block.elements.map((element) => renderElement(element, block.block_id, ctx)),
    ),
  context: (block, ctx) =>
    h(
      "div",
      { class: "block-context" },
      block.elements.map((part) => contextPart(part, ctx)),
    ),
  header: (block, ctx) => h("h3", { class: "block-header" }, renderText(block.text, ctx)),
  divider: () => h("hr"),
  image: (block, ctx) =>
    h(
      "figure",
      { class: "block-image" },
      block.title && h("figcaption", {}, renderText(block.title, ctx)),
      renderImage(block),
    ),
  table: renderTable,
  plan: renderPlan,
  task_card: (block, ctx) =>
    h("div", { class: "plan" }, h("ol", { class: "tasks" }, renderTaskCard(block, ctx))),
  rich_text: renderRichText,
  markdown: (block, ctx) => renderMarkdown(block.text, ctx),
  input: renderInput,
};

function renderSection(block, ctx) {
  const { accessory } = block;
  return h(
    "div",
    { class: `block-section${accessory ? " has-accessory" : ""}` },
    h(
      "div",
      { class: "section-body" },
      block.text && h("div", { class: "mrkdwn" }, renderText(block.text, ctx)),
      block.fields &&
        h(
          "div",
          { class: "fields" },
          block.fields.map((field) => h("div", { class: "mrkdwn" }, renderText(field, ctx))),
        ),
    ),
    accessory &&
      h(
        "div",
        { class: "accessory" },
        accessory.type === "image" ? renderImage(accessory) : renderElement(accessory, block.block_id, ctx),
      ),
  );
}

function contextPart(part, ctx) {
  if (part.type === "image") return renderImage(part);
  return h("span", { class: "mrkdwn" }, renderText(part, ctx));
}

function renderImage(image) {
  const url =
    image.image_url ?? image.slack_file?.url ?? `/files/${encodeURIComponent(image.slack_file?.id)}`;
  return h("img", { src: url, alt: image.alt_text, title: image.alt_text });
}

function renderTable(block, ctx) {
  const [head, ...body] = block.rows;
  const row = (cells, tag) =>
    h(
      "tr",
      {},
      cells.map((cell, column) => {
        const settings = block.column_settings?.[column];
        const align = settings?.align ?? (cell.type === "raw_number" ? "right" : "left");
        const classes = `align-${align}${settings?.is_wrapped ? "" : " no-wrap"}`;
        return h(tag, { class: classes, scope: tag === "th" ? "col" : null }, tableCell(cell, ctx));
      }),
    );
  return h(
    "div",
    { class: "block-table" },
    h(
      "table",
      {},
      h("thead", {}, row(head ?? [], "th")),
      h(
        "tbody",
        {},
        body.map((cells) => row(cells, "td")),
      ),
    ),
  );
}

function tableCell(cell, ctx) {
  return cell.type === "rich_text" ? renderRichText(cell, ctx) : (cell.text ?? String(cell.value ?? ""));
}

function unknownBlock(block) {
  return h(
    "div",
    { class: "block-unknown" },
    `A block of type "${block.type}": the sandbox's page does not draw it.`,
  );
}
