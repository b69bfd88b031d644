/** What runs leave behind: releases and backups. */
import type { Json } from "./types.ts";

export interface Release {
  id: number;
  service: string;
  version: string;
  commit: string;
  runId: number | null;
  backupId: number | null;
  notes: { [key: string]: Json };
  at: Date;
  /** how it did in the time after: `good` came through, `bad` had a critical check */
  watch: "none" | "watching" | "good" | "bad";
  watchUntil: Date | null;
  /** what was seen: the critical reading, or what was asked for because of it */
  watched: { [key: string]: Json } | null;
}

/** A backup's parts, written last, so that half a backup never looks like one. Sizes in bytes. */
export interface BackupManifest {
  service: string;
  version: string | null;
  commit: string | null;
  takenAt: string;
  writesHeld: boolean;
  parts: { name: string; kind: "database" | "files"; file: string; bytes: number; sha256: string }[];
  /** rows per table at the snapshot */
  rows: Record<string, number>;
  tools: Record<string, string>;
}

export interface Backup {
  id: number;
  service: string;
  runId: number | null;
  location: string;
  manifest: BackupManifest;
  bytes: number;
  createdAt: Date;
  verifiedAt: Date | null;
}
