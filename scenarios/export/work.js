// Work for the processor: a fixed number of loop turns, however long they then take.
//
// How many turns this machine makes in a second is measured once, at the start, or given in WORK_RATE.
'use strict';

function turn(count) {
  let value = 0;
  for (let i = 0; i < count; i++) value = (value * 31 + i) & 0xffff;
  return value;
}

/** Turns a second: the best of several short runs, the one that nobody disturbed. */
function measure() {
  const count = 2_000_000;
  let best = Infinity;
  for (let run = 0; run < 10; run++) {
    const begin = performance.now();
    turn(count);
    best = Math.min(best, performance.now() - begin);
  }
  return count / best * 1e3;
}

const rate = Number(process.env.WORK_RATE) || measure();

/** Computes what takes that long on an idle processor. */
exports.burn = (milliseconds) => turn(milliseconds / 1e3 * rate);

const cell = new Int32Array(new SharedArrayBuffer(4));

/** Waits as Python's time.sleep does: the thread that waits can do nothing else. */
exports.sleepSync = (milliseconds) => Atomics.wait(cell, 0, 0, milliseconds);

exports.sumOfRoots = (count) => {
  let sum = 0;
  for (let i = 0; i < count; i++) sum += Math.sqrt(i);
  return sum;
};

if (require.main === module) console.log(measure().toFixed(0));
