import { expect, test } from "vitest";
import { takeMessageBlocks, takeView } from "../../../src/sandbox/slack/blocks/check.ts";
import { SlackRefusal } from "../../../src/sandbox/slack/refusal.ts";
import { button, plain } from "./harness.ts";

const x = (length: number) => "x".repeat(length);
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, i) => make(i));
const mrkdwn = (text: string) => ({ type: "mrkdwn", text });
const section = (text: string, more = {}) => ({ type: "section", text: mrkdwn(text), ...more });
const actions = (...elements: unknown[]) => ({ type: "actions", elements });
const option = (index: number) => ({ text: plain(`o${index}`), value: `${index}` });
const select = (more = {}) => ({ type: "static_select", options: [option(1)], ...more });
const rich = (...elements: unknown[]) => ({ type: "rich_text", elements });
const richSection = (...elements: unknown[]) => ({ type: "rich_text_section", elements });
const task = (more = {}) => ({
  type: "task_card",
  task_id: "t",
  title: "Backup",
  status: "pending",
  ...more,
});
const confirm = (more = {}) => ({ title: plain("Sure?"), text: plain("Really"), ...more });
const cell = (text: string) => ({ type: "raw_text", text });
const image = { type: "image", image_url: "http://localhost/x.png", alt_text: "x" };

const atTheLimit: [string, unknown[]][] = [
  ["50 blocks", many(50, () => ({ type: "divider" }))],
  ["section of 3,000", [section(x(3000))]],
  ["10 fields of 2,000", [{ type: "section", fields: many(10, () => mrkdwn(x(2000))) }]],
  ["header of 150", [{ type: "header", text: plain(x(150)) }]],
  [
    "25 buttons of 75 with values of 2,000",
    [actions(...many(25, (i) => ({ ...button(`b${i}`, x(2000)), text: plain(x(75)) })))],
  ],
  [
    "a confirm dialog",
    [
      actions({
        ...button("a", "v"),
        style: "danger",
        confirm: confirm({
          title: plain(x(100)),
          text: mrkdwn(x(300)),
          confirm: plain(x(30)),
          deny: plain(x(30)),
        }),
      }),
    ],
  ],
  ["100 options", [actions(select({ options: many(100, option) }))]],
  ["an overflow of 5", [section("s", { accessory: { type: "overflow", options: many(5, option) } })]],
  ["10 context elements", [{ type: "context", elements: many(10, (i) => (i % 2 ? image : mrkdwn("c"))) }]],
  ["an image", [image]],
  [
    "a table of 100 x 20",
    [
      {
        type: "table",
        rows: many(100, () => many(20, () => cell("abc"))),
        column_settings: [{ align: "right" }, null],
      },
    ],
  ],
  [
    "table cells of every kind",
    [
      {
        type: "table",
        rows: [
          [
            cell("a"),
            { type: "raw_number", value: 1, text: "1" },
            rich(richSection({ type: "text", text: "b", style: { bold: true } })),
          ],
        ],
      },
    ],
  ],
  [
    "a plan",
    [
      {
        type: "plan",
        title: "Update",
        tasks: [
          task(),
          task({
            status: "error",
            details: rich(richSection({ type: "text", text: "why" })),
            output: rich({ type: "rich_text_preformatted", elements: [{ type: "text", text: "log" }] }),
          }),
        ],
      },
    ],
  ],
  [
    "rich text",
    [
      rich(
        richSection(
          { type: "user", user_id: "U1" },
          { type: "link", url: "https://a.b", text: "l" },
          { type: "emoji", name: "x" },
          { type: "channel", channel_id: "C1" },
          { type: "usergroup", usergroup_id: "S1" },
          { type: "date", timestamp: 1, format: "{date}" },
        ),
        { type: "rich_text_list", style: "bullet", elements: [richSection()] },
        { type: "rich_text_quote", elements: [] },
      ),
    ],
  ],
  ["markdown of 12,000", [{ type: "markdown", text: x(12_000) }]],
  ["an input", [{ type: "input", label: plain("l"), element: { type: "plain_text_input" } }]],
];

test.each(atTheLimit)("a message may have %s", (_what, blocks) => {
  for (const block of takeMessageBlocks(blocks)) expect(block.block_id).toMatch(/\S/);
});

const overTheLimit: [string, unknown[], RegExp][] = [
  [
    "51 blocks",
    many(51, () => ({ type: "divider" })),
    /no more than 50 items allowed \[json-pointer:\/blocks\]/,
  ],
  [
    "a section of 3,001",
    [section(x(3001))],
    /must be less than 3001 characters \[json-pointer:\/blocks\/0\/text\/text\]/,
  ],
  ["an empty text", [section("")], /must be more than 0 characters/],
  ["a section of nothing", [{ type: "section" }], /must define either `fields` or `text`/],
  ["11 fields", [{ type: "section", fields: many(11, () => mrkdwn("f")) }], /no more than 10 items/],
  ["a field of 2,001", [{ type: "section", fields: [mrkdwn(x(2001))] }], /less than 2001/],
  ["a header of 151", [{ type: "header", text: plain(x(151)) }], /less than 151/],
  ["a header in mrkdwn", [{ type: "header", text: mrkdwn("h") }], /unsupported type: mrkdwn/],
  ["26 buttons", [actions(...many(26, (i) => button(`b${i}`, "v")))], /no more than 25 items/],
  ["no buttons", [actions()], /at least 1 items/],
  ["a button text of 76", [actions({ ...button("a", "v"), text: plain(x(76)) })], /less than 76/],
  ["a button value of 2,001", [actions(button("a", x(2001)))], /less than 2001/],
  [
    "an unknown button style",
    [actions({ ...button("a", "v"), style: "green" })],
    /must be one of: primary, danger/,
  ],
  ["a javascript url", [actions({ ...button("a", "v"), url: "javascript:alert(1)" })], /valid url/],
  ["an action_id of 256", [actions(button(x(256), "v"))], /less than 256/],
  ["a block_id of 256", [{ type: "divider", block_id: x(256) }], /less than 256/],
  [
    "a confirm title of 101",
    [actions({ ...button("a", "v"), confirm: confirm({ title: plain(x(101)) }) })],
    /less than 101/,
  ],
  [
    "a confirm text of 301",
    [actions({ ...button("a", "v"), confirm: confirm({ text: plain(x(301)) }) })],
    /less than 301/,
  ],
  [
    "a confirm button of 31",
    [actions({ ...button("a", "v"), confirm: confirm({ confirm: plain(x(31)) }) })],
    /less than 31/,
  ],
  ["101 options", [actions(select({ options: many(101, option) }))], /no more than 100 items/],
  [
    "an option text of 76",
    [actions(select({ options: [{ text: plain(x(76)), value: "v" }] }))],
    /less than 76/,
  ],
  [
    "an option value of 76",
    [actions(select({ options: [{ text: plain("t"), value: x(76) }] }))],
    /less than 76/,
  ],
  [
    "an option without value",
    [actions(select({ options: [{ text: plain("t") }] }))],
    /missing required field: value/,
  ],
  ["a select of nothing", [actions({ type: "static_select" })], /either `options` or `option_groups`/],
  [
    "an initial option from elsewhere",
    [actions(select({ initial_option: option(9) }))],
    /must exactly match/,
  ],
  ["an overflow of 6", [actions({ type: "overflow", options: many(6, option) })], /no more than 5 items/],
  [
    "11 radio buttons",
    [actions({ type: "radio_buttons", options: many(11, option) })],
    /no more than 10 items/,
  ],
  [
    "11 context elements",
    [{ type: "context", elements: many(11, () => mrkdwn("c")) }],
    /no more than 10 items/,
  ],
  ["an image without alt", [{ type: "image", image_url: "http://a/b" }], /missing required field: alt_text/],
  ["an image of nothing", [{ type: "image", alt_text: "x" }], /either `image_url` or `slack_file`/],
  ["101 table rows", [{ type: "table", rows: many(101, () => [cell("a")]) }], /no more than 100 items/],
  ["21 table columns", [{ type: "table", rows: [many(21, () => cell("a"))] }], /no more than 20 items/],
  ["two tables", many(2, () => ({ type: "table", rows: [[cell("a")]] })), /only_one_table_allowed/],
  ["a table of 10,001 characters", [{ type: "table", rows: [[cell(x(9000)), cell(x(1001))]] }], /table text/],
  ["a task of an unknown status", [task({ status: "done" })], /must be one of: pending/],
  ["a task without title", [task({ title: undefined })], /missing required field: title/],
  ["rich text details as a string", [task({ details: "x" })], /must be an object/],
  ["markdown of 12,001", [{ type: "markdown", text: x(12_001) }], /less than 12001/],
  [
    "markdown of 12,001 in two",
    [
      { type: "markdown", text: x(12_000) },
      { type: "markdown", text: "x" },
    ],
    /markdown text/,
  ],
  [
    "the same block_id twice",
    many(2, () => ({ type: "divider", block_id: "b" })),
    /block_id `b` already exists/,
  ],
  [
    "the same action_id twice in a block",
    [actions(button("a", "1"), button("a", "2"))],
    /action_id `a` already exists/,
  ],
  ["an unknown block", [{ type: "hologram" }], /unsupported type: hologram/],
  ["an unknown element", [actions({ type: "datepicker" })], /unsupported type: datepicker/],
  ["an unknown rich text element", [rich(richSection({ type: "spell" }))], /unsupported type: spell/],
  ["an unknown field", [section("s", { colour: "red" })], /invalid additional property: colour/],
  [
    "a text as string",
    [{ type: "section", text: "s" }],
    /must be an object \[json-pointer:\/blocks\/0\/text\]/,
  ],
  ["an alert, which is for modals", [{ type: "alert", text: plain("a") }], /unsupported type: alert/],
];

test.each(overTheLimit)("a message with %s is refused with invalid_blocks", (_what, blocks, problem) => {
  const refused = refusalOf(() => takeMessageBlocks(blocks));
  expect(refused.code).toBe("invalid_blocks");
  expect(refused.messages.join("\n")).toMatch(problem);
});

const modal = (more = {}) => ({ type: "modal", title: plain("Title"), blocks: [], ...more });
const input = { type: "input", label: plain("l"), element: { type: "plain_text_input" } };

const badViews: [string, unknown, RegExp][] = [
  [
    "a title of 25",
    modal({ title: plain(x(25)) }),
    /less than 25 characters \[json-pointer:\/view\/title\/text\]/,
  ],
  ["101 blocks", modal({ blocks: many(101, () => ({ type: "divider" })) }), /no more than 100 items/],
  ["private_metadata of 3,001", modal({ private_metadata: x(3001) }), /less than 3001/],
  ["an input but no submit", modal({ blocks: [input] }), /missing required field: submit/],
  [
    "a table, which is for messages",
    modal({ blocks: [{ type: "table", rows: [[cell("a")]] }] }),
    /unsupported type: table/,
  ],
  ["nothing but a type", { type: "modal" }, /missing required field: title \[json-pointer:\/view\]/],
];

test.each(badViews)("a modal with %s is refused with invalid_arguments", (_what, view, problem) => {
  const refused = refusalOf(() => takeView(view));
  expect(refused.code).toBe("invalid_arguments");
  expect(refused.messages.join("\n")).toMatch(problem);
});

test("a modal may have 100 blocks, and gets the ids that it leaves out", () => {
  const taken = takeView(
    modal({ submit: plain("Go"), blocks: [...many(99, () => ({ type: "divider" })), input] }),
  );
  expect(taken.blocks).toHaveLength(100);
  expect(taken.blocks.at(-1)).toMatchObject({
    block_id: expect.any(String),
    element: { action_id: expect.any(String) },
  });
});

function refusalOf(take: () => unknown): SlackRefusal {
  try {
    take();
  } catch (error) {
    if (error instanceof SlackRefusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
