/** Block Kit, small and always within Slack's limits. Text that comes in here is escaped already. */
import type {
  ActionsBlock,
  Button,
  ContextBlock,
  KnownBlock,
  RichTextBlock,
  SectionBlock,
} from "@slack/types";
import { cut, plain } from "./text.ts";

/** What a presenter gives: `text` is what notifications and lock screens show. */
export interface Presented {
  text: string;
  blocks: KnownBlock[];
  /** the same in older blocks, for a Slack that refuses the newer ones */
  simpler?: KnownBlock[];
}

const SECTION_TEXT = 3_000;
const MESSAGE_BLOCKS = 50;
/** Slack names no figure for a whole message's text, but refuses long ones with msg_blocks_too_long. */
const MESSAGE_TEXT = 12_000;

export function section(mrkdwn: string): SectionBlock {
  return {
    type: "section",
    text: { type: "mrkdwn", text: cut(mrkdwn, SECTION_TEXT) || "-", verbatim: true },
  };
}

/** As many sections as the text needs, split at line ends: nothing is cut away. */
export function sections(mrkdwn: string): SectionBlock[] {
  const parts: string[] = [];
  let part = "";
  for (const piece of mrkdwn.split("\n").flatMap(pieces)) {
    if (part && part.length + 1 + piece.length > SECTION_TEXT) {
      parts.push(part);
      part = piece;
    } else part = part ? `${part}\n${piece}` : piece;
  }
  if (part) parts.push(part);
  return parts.filter((text) => text.trim()).map(section);
}

export function fields(entries: [string, string][]): SectionBlock {
  return {
    type: "section",
    fields: entries
      .slice(0, 10)
      .map(([name, value]) => ({ type: "mrkdwn", text: cut(`*${name}*\n${value}`, 2_000), verbatim: true })),
  };
}

export function context(...mrkdwn: string[]): ContextBlock {
  return {
    type: "context",
    elements: mrkdwn
      .slice(0, 10)
      .map((text) => ({ type: "mrkdwn", text: cut(text, SECTION_TEXT) || "-", verbatim: true })),
  };
}

/** `text` is plain here: headers are not parsed. */
export function header(text: string): KnownBlock {
  return { type: "header", text: { type: "plain_text", text: plain(text, 150), emoji: false } };
}

export const divider: KnownBlock = { type: "divider" };

export interface ButtonFace {
  action: string;
  label: string;
  value: string;
  style?: "primary" | "danger";
  confirm?: { title: string; text: string; yes: string };
}

export function buttons(faces: ButtonFace[]): ActionsBlock[] {
  if (faces.length === 0) return [];
  return [{ type: "actions", elements: faces.map(button) }];
}

/** Text as it is, in a fixed-width box. */
export function preformatted(text: string, max = 2_500): RichTextBlock {
  return {
    type: "rich_text",
    elements: [{ type: "rich_text_preformatted", elements: [{ type: "text", text: plain(text, max) }] }],
  };
}

/** One plain paragraph as rich text, for where Slack wants that. */
export function paragraph(text: string, max = 500): RichTextBlock {
  return {
    type: "rich_text",
    elements: [{ type: "rich_text_section", elements: [{ type: "text", text: plain(text, max) }] }],
  };
}

/**
 * A whole message. Keeps to Slack's number of blocks and to a length that it takes: what does not fit is
 * counted in a last line that says where it stands. Buttons are kept in any case.
 */
export function message(
  text: string,
  blocks: KnownBlock[],
  whereElse = "the rest is in `/ops run ID`",
): Presented {
  return {
    text: cut(text, 2_900) || "Steward",
    blocks: keepWithin(blocks, MESSAGE_BLOCKS, MESSAGE_TEXT, whereElse),
  };
}

/** As `message` does it, for any limit. */
export function keepWithin(
  blocks: KnownBlock[],
  maxBlocks: number,
  maxText: number,
  whereElse: string,
): KnownBlock[] {
  const actions = blocks.filter((block) => block.type === "actions");
  const kept: KnownBlock[] = [];
  let text = 0;
  let left = 0;
  for (const block of blocks) {
    if (block.type === "actions") {
      kept.push(block);
      continue;
    }
    const size = textLength(block);
    const room = maxBlocks - actions.length - 1;
    if (
      left === 0 &&
      kept.filter((other) => other.type !== "actions").length < room &&
      text + size <= maxText
    ) {
      kept.push(block);
      text += size;
    } else left += 1;
  }
  if (left === 0) return kept;
  const at = kept.findIndex((block) => block.type === "actions");
  const note = context(`… and ${left} more ${left === 1 ? "part" : "parts"}: ${whereElse}.`);
  return at < 0 ? [...kept, note] : [...kept.slice(0, at), note, ...kept.slice(at)];
}

function button(face: ButtonFace): Button {
  return {
    type: "button",
    action_id: face.action,
    text: { type: "plain_text", text: plain(face.label, 75), emoji: false },
    value: face.value,
    ...(face.style ? { style: face.style } : {}),
    ...(face.confirm
      ? {
          confirm: {
            title: { type: "plain_text", text: plain(face.confirm.title, 100) },
            text: { type: "plain_text", text: plain(face.confirm.text, 300) },
            confirm: { type: "plain_text", text: plain(face.confirm.yes, 30) },
            deny: { type: "plain_text", text: "Not now" },
          },
        }
      : {}),
  };
}

/** A line longer than a section holds, in parts that are not cut inside an escape. */
function pieces(text: string): string[] {
  const parts: string[] = [];
  let rest = text;
  while (rest.length > SECTION_TEXT) {
    const part = rest
      .slice(0, SECTION_TEXT)
      .replace(/&[a-z]{0,3}$/, "")
      .replace(/[\uD800-\uDBFF]$/, "");
    parts.push(part);
    rest = rest.slice(part.length);
  }
  return [...parts, rest];
}

function textLength(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, entry) => sum + textLength(entry), 0);
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, entry]) =>
      sum +
      (typeof entry === "string" && (key === "text" || key === "title") ? entry.length : textLength(entry)),
    0,
  );
}
