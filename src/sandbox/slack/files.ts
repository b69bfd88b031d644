/** Uploaded files. Their content is kept beside the snapshot where there is one, else in memory. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { SlackRefusal } from "./refusal.ts";
import type { UploadedFile } from "./types.ts";

const MIME_TYPES: Record<string, string> = {
  ".txt": "text/plain",
  ".log": "text/plain",
  ".md": "text/markdown",
  ".csv": "text/csv",
  ".json": "application/json",
  ".yml": "text/yaml",
  ".yaml": "text/yaml",
  ".sql": "text/plain",
  ".diff": "text/plain",
  ".patch": "text/plain",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".svg": "image/svg+xml",
  ".pdf": "application/pdf",
};

interface Upload {
  id: string;
  name: string;
  content?: Buffer;
}

export class Files {
  #folder: string | undefined;
  #uploads = new Map<string, Upload>();
  #contents = new Map<string, { type: string; content: Buffer }>();

  /** `folder` outlives the process; without one files live as long as the stand-in does. */
  constructor(folder: string | undefined) {
    this.#folder = folder;
  }

  /** Announces an upload and gives its id. */
  announce(name: string): string {
    const id = `F${randomBytes(6).toString("hex").toUpperCase()}`;
    this.#uploads.set(id, { id, name });
    return id;
  }

  /** Takes the bytes of an announced upload; refuses with `file_not_found`. */
  receive(id: string, content: Buffer): void {
    const upload = this.#uploads.get(id);
    if (!upload) throw new SlackRefusal("file_not_found");
    upload.content = content;
  }

  /** Ends an upload; refuses with `file_not_found` when the bytes never came. */
  async complete(id: string, title: string | undefined): Promise<UploadedFile> {
    const upload = this.#uploads.get(id);
    if (!upload?.content) throw new SlackRefusal("file_not_found");
    const { name, content } = upload;
    const mimetype = MIME_TYPES[path.extname(name).toLowerCase()] ?? "application/octet-stream";
    await this.#keep(id, mimetype, content);
    this.#uploads.delete(id);
    return { id, name, title: title ?? name, mimetype, size: content.length };
  }

  /** Type and bytes of a file that was completed, or undefined. */
  async read(id: string): Promise<{ type: string; content: Buffer } | undefined> {
    if (!/^F[0-9A-F]{12}$/.test(id)) return undefined;
    if (!this.#folder) return this.#contents.get(id);
    try {
      const type = await readFile(path.join(this.#folder, `${id}.type`), "utf8");
      return { type, content: await readFile(path.join(this.#folder, id)) };
    } catch {
      return undefined;
    }
  }

  async #keep(id: string, type: string, content: Buffer): Promise<void> {
    if (!this.#folder) return void this.#contents.set(id, { type, content });
    await mkdir(this.#folder, { recursive: true });
    await writeFile(path.join(this.#folder, id), content);
    await writeFile(path.join(this.#folder, `${id}.type`), type);
  }
}
