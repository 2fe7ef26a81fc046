// Stamps for server.js (node -r ./lab_stamps.js server.js PORT): header fields of each reply that tell what its
// handler did, and when. Times are CLOCK_MONOTONIC nanoseconds; Lab-Held lists when the handler had the loop.
'use strict';
const http = require('node:http');
const { AsyncLocalStorage, createHook } = require('node:async_hooks');

const MOST_INTERVALS = 30;
const NEIGHBOURS = 50_000n; // ns
const now = () => process.hrtime.bigint();
const requests = new AsyncLocalStorage();

class Story {
  started = now();
  begin = this.started; // of the step that runs now
  held = [];

  hold(begin, end) {
    const last = this.held.at(-1);
    if (last !== undefined && begin - last[1] < NEIGHBOURS) last[1] = end;
    else this.held.push([begin, end]);
  }

  /** The smallest gaps vanish until few enough intervals are left. */
  shortened() {
    const gaps = this.held.slice(1).map(([begin], i) => [begin - this.held[i][1], begin]);
    gaps.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    const closed = new Set(gaps.slice(0, Math.max(0, this.held.length - MOST_INTERVALS)).map(([, begin]) => begin));
    const kept = [];
    for (const [begin, end] of this.held) {
      if (closed.has(begin)) kept.at(-1)[1] = end;
      else kept.push([begin, end]);
    }
    return kept;
  }

  fields() {
    const finished = now();
    if (this.begin !== undefined) this.hold(this.begin, finished);
    return {
      'Lab-Worker': process.pid,
      'Lab-Read': this.started, // a request is parsed and handled in one go
      'Lab-Started': this.started,
      'Lab-Finished': finished,
      'Lab-Held': this.shortened().map(([begin, end]) => `loop ${begin}-${end}`).join(', '),
    };
  }
}

createHook({
  before() {
    const story = requests.getStore();
    if (story !== undefined) story.begin = now();
  },
  after() {
    const story = requests.getStore();
    if (story?.begin !== undefined) story.hold(story.begin, now());
    if (story !== undefined) story.begin = undefined;
  },
}).enable();

const createServer = http.createServer;
http.createServer = (listener) => createServer((request, response) => {
  const story = new Story();
  const writeHead = response.writeHead;
  response.writeHead = (status, fields) => {
    for (const [name, value] of Object.entries(story.fields())) response.setHeader(name, String(value));
    return writeHead.call(response, status, fields);
  };
  requests.run(story, () => {
    listener(request, response);
    if (story.begin !== undefined) story.hold(story.begin, now());
    story.begin = undefined;
  });
});
