// Time that ONNX Runtime (CPU) takes to make a session. Prints one JSON line.
//   node ort-load.mjs MODEL.onnx [--times 6] [--threads 1] [--run 0|1]
// first_ms is the first session of the process, create_ms the others; with --run 1 the last session runs once, first_run_ms.
import { loadModel, makeFeeds, parseArgs } from './ort-run.mjs';

const a = parseArgs(process.argv.slice(2));
const create = [];
let run = null;
for (let i = 0, times = +(a.times ?? 6); i < times; i++) {
  const t0 = performance.now();
  const session = await loadModel(a._[0], a);
  create.push(performance.now() - t0);
  if (i === times - 1 && +(a.run ?? 0)) {
    const feeds = makeFeeds(session, a);
    const t1 = performance.now();
    await session.run(feeds);
    run = performance.now() - t1;
  }
  await session.release();
}
console.log(JSON.stringify({ model: a._[0].split('/').pop(), first_ms: create[0], create_ms: create.slice(1), first_run_ms: run }));
