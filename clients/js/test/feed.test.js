import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { START } from "../src/cursor.js";
import { Forbidden, NotReachable, Unauthorized } from "../src/errors.js";
import { Feed } from "../src/feed.js";

const event = (seq, type = "x") => ({ seq, at: 1_000 + seq, type, job: "", data: {} });
const batch = (first, last, rest = {}) => {
  const events = Array.from({ length: last - first + 1 }, (_, n) => event(first + n));
  return ["batch", { log: "jobs", epoch: "e", events, head: last, ...rest }];
};

/** A feed whose sockets are the test's: `told` is what it says, `dialled` what it connects with. */
class Ground {
  told = [];
  dialled = [];
  sockets = [];
  #waiting = () => {};

  constructor({ cursors = { jobs: START }, ...rest } = {}) {
    const note = (what) => (...said) => void this.told.push([what, ...said]);
    const told = Object.fromEntries(["opened", "closed", "refused", "received", "lost"].map((what) => [what, note(what)]));
    this.feed = new Feed({ io: () => this.#socket(), base: "http://h/at/", token: "t", cursors, told, ...rest });
    this.feed.open();
  }

  #socket() {
    const socket = Object.assign(new EventEmitter(), {
      active: true,
      off: () => socket.removeAllListeners(),
      offAny: () => {},
      disconnect: () => (socket.isOver = true),
      connect: () => {
        this.sockets.push(socket);
        this.#waiting();
      },
    });
    return socket;
  }

  /** Waits for the next connection, and lets it in unless `why` it is not. */
  async next(why) {
    while (this.sockets.length <= this.dialled.length) await new Promise((settle) => (this.#waiting = settle));
    const socket = this.sockets[this.dialled.length];
    this.dialled.push(structuredClone(this.feed.cursor("jobs")));
    if (why === undefined) socket.emit("connect");
    else {
      socket.active = false;
      socket.emit("connect_error", new Error(why));
    }
    return { say: (...packets) => packets.forEach(([name, said]) => socket.emit(name, said)), socket };
  }

  get seqs() {
    return this.told.filter(([what]) => what === "received").flatMap(([, , events]) => events.map(({ seq }) => seq));
  }

  named(...kinds) {
    return this.told.filter(([what]) => kinds.includes(what));
  }
}

test("what comes is told once and in order, and a new connection begins where it ended", async () => {
  const ground = new Ground();
  const first = await ground.next();
  first.say(batch(1, 3), batch(2, 4));
  first.socket.emit("disconnect", "transport close");
  const second = await ground.next();
  second.say(batch(3, 6));
  assert.deepEqual(ground.seqs, [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(ground.dialled, [START, { epoch: "e", after: 4, at: 1_004 }]);
  assert.deepEqual(ground.named("opened", "closed"), [["opened"], ["closed", "transport close"], ["opened"]]);
  ground.feed.close();
});

test("a hole, a packet that is none and a missed head have it connect again", async () => {
  const bad = [
    [batch(3, 4)],
    [["batch", { log: "jobs", epoch: "e", head: 2 }]],
    [["batch", null]],
    [["batch", { log: "jobs", epoch: "e", head: 9, events: [{ seq: "2" }] }]],
    [["head", { log: "jobs", epoch: "e", seq: 5 }], ["head", { log: "jobs", epoch: "e", seq: 5 }]],
    [["head", { log: "jobs", epoch: "other", seq: 1 }]],
    [["gap", { log: "jobs" }]],
  ];
  for (const packets of bad) {
    const ground = new Ground();
    const { say, socket } = await ground.next();
    say(batch(1, 1), ...packets);
    assert.ok(socket.isOver, JSON.stringify(packets));
    const { say: sayAgain } = await ground.next();
    sayAgain(batch(1, 5));
    assert.deepEqual(ground.seqs, [1, 2, 3, 4, 5]);
    ground.feed.close();
  }
});

test("a gap is told, and the log goes on behind it", async () => {
  const ground = new Ground();
  const { say } = await ground.next();
  say(batch(1, 2), ["gap", { log: "jobs", epoch: "f", seq: 7 }], batch(8, 8, { epoch: "f" }));
  assert.deepEqual(ground.named("lost"), [["lost", "jobs", { epoch: "f", after: 7, at: 0 }]]);
  assert.deepEqual(ground.seqs, [1, 2, 8]);
  ground.feed.close();
});

test("a log whose beginning is gone is taken by who has read nothing, and told", async () => {
  const ground = new Ground();
  const { say } = await ground.next();
  say(batch(5, 6));
  assert.deepEqual(ground.named("lost"), [["lost", "jobs", { epoch: "e", after: 4, at: 0 }]]);
  assert.deepEqual(ground.seqs, [5, 6]);
  ground.feed.close();
});

test("packets of logs that nobody asked for, and kinds that nobody knows, do no harm", async () => {
  const ground = new Ground();
  const { say, socket } = await ground.next();
  const strange = { log: "jobs", epoch: "e", events: [event(1, "job_admired")], head: 1 };
  say(batch(4, 4, { log: "moon" }), ["head", { log: "moon", epoch: "m", seq: 1 }], ["dance", 1], ["batch", strange]);
  assert.deepEqual(ground.seqs, [1]);
  assert.ok(!socket.isOver);
  ground.feed.close();
});

test("what is up to the head that was known is the past", async () => {
  const ground = new Ground({ heads: { jobs: 4 } });
  const { say } = await ground.next();
  say(batch(1, 2, { head: 2 }), batch(3, 4), ["head", { log: "jobs", epoch: "e", seq: 4 }]);
  const isLive = ground.named("received").map(([, , , live]) => live);
  assert.deepEqual(isLive, [false, false, true, true]);
  ground.feed.close();
});

test("without requests a refusal ends it, until it is opened again", async () => {
  const ground = new Ground();
  await ground.next("the token is not one that this server knows");
  await new Promise(setImmediate);
  const [[, error]] = ground.named("refused");
  assert.ok(error instanceof Unauthorized);
  assert.equal(ground.sockets.length, 1);
  ground.feed.open();
  (await ground.next()).say(batch(1, 1));
  assert.deepEqual(ground.seqs, [1]);
  ground.feed.close();
});

test("while there is no socket the log is read by requests, until those say no", async () => {
  const answers = [
    () => ({ log: "jobs", epoch: "e", events: [event(1), event(2)], head: 3, is_gap: false }),
    () => ({ log: "jobs", epoch: "e", events: [event(3)], head: 3, is_gap: false }),
    () => Promise.reject(new NotReachable("away")),
    () => ({ log: "jobs", epoch: "f", events: [], head: 9, is_gap: true }),
    () => Promise.reject(new Forbidden("no")),
  ];
  const asked = [];
  const read = async (log, { after }) => {
    asked.push(after);
    return answers[asked.length - 1]();
  };
  const ground = new Ground({ read });
  for (let n = 0; n < 4; n += 1) await ground.next("as many sockets as it can serve");
  await new Promise(setImmediate);
  assert.deepEqual(asked, [0, 2, 3, 3, 9]);
  assert.deepEqual(ground.seqs, [1, 2, 3]);
  assert.deepEqual(ground.named("lost"), [["lost", "jobs", { epoch: "f", after: 9, at: 0 }]]);
  assert.ok(ground.named("refused")[0][1] instanceof Forbidden);
});

test("a socket that says nothing is given up", async () => {
  const ground = new Ground({ silenceMs: 80 });
  const { socket } = await ground.next();
  await ground.next();
  assert.ok(socket.isOver);
  assert.deepEqual(ground.named("closed"), [["closed", "the server is silent"]]);
  ground.feed.close();
  assert.ok(ground.sockets[1].isOver);
});
