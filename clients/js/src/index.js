/** A client of taskkit for JavaScript; see README.md. */

import { io } from "socket.io-client";
import { Client as AnyClient } from "./client.js";

export * from "./errors.js";
export { Batch } from "./batch.js";
export { START } from "./cursor.js";
export { Feed } from "./feed.js";
export { Job } from "./job.js";
export { EventStream } from "./stream.js";

export class Client extends AnyClient {
  /**
   * @param {string | URL} url where the server is, as the page is
   * @param {import("./client.js").ClientOptions} [options]
   */
  constructor(url, options = {}) {
    super(url, { io, ...options });
  }
}
