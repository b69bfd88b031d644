/**
 * The peer: a bare Bolt app over Socket Mode, plain JavaScript as its starter has it. With DATABASE_URL it
 * writes each command durably, in one insert, before it acknowledges; without, it only acknowledges.
 */
import bolt from "@slack/bolt";
import pg from "pg";

const { SLACK_API_URL, SLACK_BOT_TOKEN, SLACK_APP_TOKEN, DATABASE_URL } = process.env;
const pool = DATABASE_URL ? new pg.Pool({ connectionString: DATABASE_URL, max: 10 }) : undefined;
await pool?.query(
  `create table if not exists requests (
     id bigserial primary key, key text not null unique, payload jsonb not null,
     received_at timestamptz not null default now())`,
);

const app = new bolt.App({
  token: SLACK_BOT_TOKEN,
  appToken: SLACK_APP_TOKEN,
  socketMode: true,
  logLevel: bolt.LogLevel.ERROR,
  clientOptions: { slackApiUrl: SLACK_API_URL },
});
app.command("/ops", async ({ body, ack }) => {
  await pool?.query("insert into requests (key, payload) values ($1, $2)", [
    body.trigger_id,
    { user: body.user_id, channel: body.channel_id, text: body.text, responseUrl: body.response_url },
  ]);
  await ack();
});
await app.start();
process.stdout.write("bolt ready\n");
