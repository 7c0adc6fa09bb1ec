/**
 * What the client throws on purpose.
 *
 *     TaskkitError
 *     ├── RequestError          you asked for what cannot be; asking again changes nothing
 *     │   ├── Unauthorized          401  no token, or one that is not valid (any more)
 *     │   ├── Forbidden             403  the token's scopes do not cover it
 *     │   ├── TaskNotFound          404
 *     │   ├── JobNotFound           404
 *     │   ├── JobNotFinished        409
 *     │   ├── JobNotFailed          409
 *     │   ├── PayloadTooLarge       413
 *     │   ├── KeyReused             422  the same idempotency key with another request
 *     │   └── InvalidRequest        422
 *     │       └── InvalidArguments  422
 *     ├── ServiceError          the service cannot, at the moment
 *     │   ├── Unavailable           503
 *     │   │   ├── QuotaReached      429
 *     │   │   ├── TooManyRequests   429
 *     │   │   └── DiskFull          507
 *     │   ├── NotReachable               nothing of taskkit's answers at the address
 *     │   ├── DecodeError                the server wrote what this client cannot read
 *     │   └── ProtocolMismatch           it speaks another protocol than this client
 *     ├── JobFailed             what the task raised; `job` is the record, `error` says it in words
 *     ├── JobCancelled          the job was cancelled
 *     ├── ResultNotJson         only Python can read what the job returned
 *     └── ClientClosed          `close()` was called meanwhile
 */

export class TaskkitError extends Error {
  /** Stable word for programs; the message may change. */
  code = "error";
  /** Of the HTTP answer; 0 where there was none. */
  status = 0;
  /** The request's id, for whoever reads the server's log. */
  requestId = "";
  /**
   * What the problem says beside that, e.g. `nearest` or `fields`.
   * @type {Record<string, any>}
   */
  details = {};
  /**
   * How long the server wants to be left alone; null where it does not say.
   * @type {number | null}
   */
  retryAfterMs = null;

  /** @param {string} message @param {ErrorOptions} [options] */
  constructor(message, options) {
    super(message, options);
    this.name = new.target.name;
  }
}

export class RequestError extends TaskkitError {
  code = "bad_request";
}
export class Unauthorized extends RequestError {
  code = "unauthorized";
}
export class Forbidden extends RequestError {
  code = "forbidden";
}
export class TaskNotFound extends RequestError {
  code = "task_not_found";
}
export class JobNotFound extends RequestError {
  code = "job_not_found";
}
export class JobNotFinished extends RequestError {
  code = "job_not_finished";
}
export class JobNotFailed extends RequestError {
  code = "job_not_failed";
}
export class PayloadTooLarge extends RequestError {
  code = "payload_too_large";
}
export class KeyReused extends RequestError {
  code = "key_reused";
}
export class InvalidRequest extends RequestError {
  code = "invalid_request";
}
export class InvalidArguments extends InvalidRequest {
  code = "invalid_arguments";
}

export class ServiceError extends TaskkitError {
  code = "service_error";
}
export class Unavailable extends ServiceError {
  code = "unavailable";
}
export class QuotaReached extends Unavailable {
  code = "quota_reached";
}
export class TooManyRequests extends Unavailable {
  code = "too_many_requests";
}
export class DiskFull extends Unavailable {
  code = "disk_full";
}
export class NotReachable extends ServiceError {
  code = "not_reachable";
}
export class DecodeError extends ServiceError {
  code = "undecodable";
}
export class ProtocolMismatch extends ServiceError {
  code = "protocol_mismatch";
}

export class JobFailed extends TaskkitError {
  code = "job_failed";
  /** @param {import("./wire.js").JobRecord} job */
  constructor(job) {
    const { type, message, traceback } = job.error ?? UNKNOWN;
    super(`${type}: ${message}`);
    this.job = job;
    /** What the task raised: its class, its message and the worker's traceback, all as text. */
    this.error = { type, message, traceback };
  }
}

export class JobCancelled extends TaskkitError {
  code = "job_cancelled";
  /** @param {import("./wire.js").JobRecord} job */
  constructor(job) {
    super(`job ${job.id} was cancelled`);
    this.job = job;
  }
}

export class ResultNotJson extends TaskkitError {
  code = "result_not_json";
  /** @param {import("./wire.js").JobRecord} job */
  constructor(job) {
    const { media_type: type = "", preview = "" } = job.result ?? {};
    super(`job ${job.id} returned what only Python reads (${type}): ${preview}`);
    this.job = job;
    this.mediaType = type;
    this.preview = preview;
  }
}

export class ClientClosed extends TaskkitError {
  code = "client_closed";
  constructor() {
    super("the client is closed");
  }
}

const UNKNOWN = { type: "taskkit.RemoteError", message: "nobody knows why it failed", traceback: "" };

/** @type {Record<string, typeof TaskkitError>} */
const BY_CODE = {
  bad_request: RequestError,
  unauthorized: Unauthorized,
  forbidden: Forbidden,
  task_not_found: TaskNotFound,
  job_not_found: JobNotFound,
  job_not_finished: JobNotFinished,
  job_not_failed: JobNotFailed,
  payload_too_large: PayloadTooLarge,
  key_reused: KeyReused,
  invalid_request: InvalidRequest,
  invalid_arguments: InvalidArguments,
  unavailable: Unavailable,
  quota_reached: QuotaReached,
  too_many_requests: TooManyRequests,
  disk_full: DiskFull,
};

/** What stands for an answer that is no problem of taskkit's: a proxy's, mostly. */
const BY_STATUS = new Map([
  [401, Unauthorized],
  [403, Forbidden],
  [413, PayloadTooLarge],
  [429, TooManyRequests],
  [502, NotReachable],
  [503, NotReachable],
  [504, NotReachable],
]);

/**
 * Returns the error that a problem (RFC 9457) stands for; of a code unknown here, its nearest kin.
 * @param {any} problem the object of the answer, or null where that is none
 * @param {number} status
 */
export function errorOf(problem, status) {
  const { type: _, title, status: __, detail, code, request_id: id, ...details } = problem ?? {};
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  const kin = status >= 400 && status < 500 ? RequestError : ServiceError;
  const Kind = known ?? (code === undefined ? BY_STATUS.get(status) : undefined) ?? kin;
  const error = new Kind(String(detail || title || `the server answered ${status}`));
  if (typeof code === "string") error.code = code;
  return Object.assign(error, { status, details, requestId: String(id ?? "") });
}
