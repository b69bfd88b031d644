/** Takes blocks and modals as apps send them: refuses what Slack refuses, fills in the ids Slack fills in. */
import { randomBytes } from "node:crypto";
import { SlackRefusal } from "../refusal.ts";
import type { Block } from "../types.ts";
import { id, plainText } from "./composition.ts";
import { boolean, isObject, list, object, type Rule, say, text } from "./rules.ts";
import { messageBlock, modalBlock } from "./shapes.ts";

/** What a modal is defined by, in Slack's names. */
export interface ViewDefinition {
  type: "modal";
  title: { text: string };
  blocks: Block[];
  submit?: { text: string };
  close?: { text: string };
  callback_id?: string;
  private_metadata?: string;
  external_id?: string;
  clear_on_close?: boolean;
  notify_on_close?: boolean;
}

/** The blocks of a message, ids filled in; refuses with `invalid_blocks` and the problems as messages. */
export function takeMessageBlocks(blocks: unknown): Block[] {
  const problems: string[] = [];
  list(messageBlock, { min: 0, max: 50 })(blocks, "/blocks", problems);
  if (problems.length === 0) wholeMessage(blocks as Block[], problems);
  if (problems.length > 0) throw new SlackRefusal("invalid_blocks", problems);
  return fillIds(structuredClone(blocks) as Block[]);
}

/** A modal, ids filled in; refuses with `invalid_arguments`, as Slack does for views, or `view_too_large`. */
export function takeView(view: unknown): ViewDefinition {
  const problems: string[] = [];
  if (JSON.stringify(view ?? null).length > 250_000) throw new SlackRefusal("view_too_large");
  modal(view, "/view", problems);
  if (problems.length > 0) throw new SlackRefusal("invalid_arguments", problems);
  const taken = structuredClone(view) as ViewDefinition;
  return { ...taken, blocks: fillIds(taken.blocks) };
}

const modal: Rule = object(
  { type: onlyModal, title: plainText(24), blocks: list(modalBlock, { min: 0, max: 100 }) },
  {
    submit: plainText(24),
    close: plainText(24),
    callback_id: id,
    private_metadata: text({ min: 0, max: 3000 }),
    external_id: text({ min: 0, max: 255 }),
    clear_on_close: boolean,
    notify_on_close: boolean,
  },
  (view, at, problems) => {
    if (!isObject(view)) return;
    const blocks = view.blocks as Block[];
    if (!view.submit && blocks.some((block) => block.type === "input"))
      problems.push(say("missing required field: submit (there are input blocks)", at));
    uniqueIds(blocks, `${at}/blocks`, problems);
  },
);

function onlyModal(value: unknown, at: string, problems: string[]): void {
  if (value !== "modal") problems.push(say(`unsupported type: ${String(value)} (view)`, at));
}

function wholeMessage(blocks: Block[], problems: string[]): void {
  uniqueIds(blocks, "/blocks", problems);
  const tables = blocks.filter((block) => block.type === "table");
  if (tables.length > 1) problems.push(say("only_one_table_allowed", "/blocks"));
  const tableText = tables.reduce((sum, table) => sum + textLength(table.rows), 0);
  if (tableText > 10_000) problems.push(say("table text must be less than 10001 characters", "/blocks"));
  const markdown = blocks.reduce(
    (sum, block) => sum + (block.type === "markdown" ? block.text.length : 0),
    0,
  );
  if (markdown > 12_000) problems.push(say("markdown text must be less than 12001 characters", "/blocks"));
}

function uniqueIds(blocks: Block[], at: string, problems: string[]): void {
  const blockIds = new Set<string>();
  for (const [index, block] of blocks.entries()) {
    if (block.block_id && blockIds.has(block.block_id))
      problems.push(say(`block_id \`${block.block_id}\` already exists`, `${at}/${index}/block_id`));
    if (block.block_id) blockIds.add(block.block_id);
    const actionIds = new Set<string>();
    for (const { action_id } of elementsOf(block)) {
      if (action_id && actionIds.has(action_id))
        problems.push(say(`action_id \`${action_id}\` already exists`, `${at}/${index}`));
      if (action_id) actionIds.add(action_id);
    }
  }
}

function textLength(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, entry) => sum + textLength(entry), 0);
  if (!isObject(value)) return 0;
  const own = typeof value.text === "string" ? value.text.length : 0;
  return own + textLength(value.elements);
}

function fillIds(blocks: Block[]): Block[] {
  for (const block of blocks) {
    block.block_id ??= shortId();
    for (const element of elementsOf(block)) element.action_id ??= shortId();
  }
  return blocks;
}

/** The shape that all interactive elements share, wherever they stand. */
export interface Element {
  type: string;
  action_id?: string;
  [field: string]: unknown;
}

/** The interactive elements of one block. */
export function elementsOf(block: Block): Element[] {
  const found: unknown[] = [];
  if (block.type === "actions") found.push(...block.elements);
  if (block.type === "section" && block.accessory && block.accessory.type !== "image")
    found.push(block.accessory);
  if (block.type === "input") found.push(block.element);
  return found as Element[];
}

function shortId(): string {
  return randomBytes(4).toString("base64url").slice(0, 5);
}
