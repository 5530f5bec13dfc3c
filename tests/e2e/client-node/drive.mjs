// Drives a cluster with @kubernetes/client-node, a client nobody here wrote. usage: KUBECONFIG=FILE node drive.mjs NAMESPACE
// Prints `ok NAME` for each part; ends with 1 and what went wrong otherwise.
import assert from 'node:assert/strict';
import * as k8s from '@kubernetes/client-node';

const namespace = process.argv[2];
const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);
const core = config.makeApiClient(k8s.CoreV1Api);
const batch = config.makeApiClient(k8s.BatchV1Api);

async function eventually(what, condition) {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((done) => setTimeout(done, 50))) {
    if (await condition()) return;
  }
  assert.fail(`${what} did not happen within 30 s`);
}

const configMap = (name, data, labels) => ({ metadata: { name, labels }, data });

async function objects() {
  const made = await core.createNamespacedConfigMap({ namespace, body: configMap('node', { a: '1' }) });
  assert.equal(made.metadata.namespace, namespace);
  assert.ok(made.metadata.creationTimestamp instanceof Date);
  const list = await core.listNamespacedConfigMap({ namespace, fieldSelector: 'metadata.name=node' });
  assert.deepEqual(list.items.map((item) => item.metadata.name), ['node']);
  made.data.a = '2';
  const changed = await core.replaceNamespacedConfigMap({ namespace, name: 'node', body: made });
  assert.equal(changed.data.a, '2');
  await assert.rejects(core.replaceNamespacedConfigMap({ namespace, name: 'node', body: made }), { code: 409 });
  const patched = await core.patchNamespacedConfigMap(
    { namespace, name: 'node', body: [{ op: 'add', path: '/data/b', value: '3' }] },
    k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.JsonPatch));
  assert.deepEqual(patched.data, { a: '2', b: '3' });
  const status = await core.deleteNamespacedConfigMap({ namespace, name: 'node' });
  assert.equal(status.status, 'Success');
  await assert.rejects(core.readNamespacedConfigMap({ namespace, name: 'node' }), { code: 404 });
}

async function refusals() {
  const template = { spec: { restartPolicy: 'Always', containers: [{ name: 'a', image: 'i' }] } };
  const error = await batch.createNamespacedJob({ namespace, body: { metadata: { name: 'bad' }, spec: { template } } })
    .then(() => assert.fail('was taken'), (refusal) => refusal);
  assert.equal(error.code, 422);
  assert.equal(JSON.parse(error.body).details.causes[0].field, 'spec.template.spec.restartPolicy');
}

async function jobs() {
  const template = { spec: { schedulerName: 'nobody', restartPolicy: 'Never', containers: [{ name: 'a', image: 'i' }] } };
  await batch.createNamespacedJob({ namespace, body: { metadata: { name: 'node' }, spec: { template } } });
  const pods = () => core.listNamespacedPod({ namespace, labelSelector: 'job-name=node' });
  await eventually('a pod', async () => (await pods()).items.length === 1);
  await batch.deleteNamespacedJob({ namespace, name: 'node', propagationPolicy: 'Background' });
  await eventually('its end', async () => (await pods()).items.length === 0);
}

async function watch() {
  const seen = [];
  const { metadata } = await core.listNamespacedConfigMap({ namespace });
  const watcher = new k8s.Watch(config);
  let ended = false;
  const controller = await watcher.watch(
    `/api/v1/namespaces/${namespace}/configmaps`, { resourceVersion: metadata.resourceVersion, labelSelector: 'set=watch' },
    (type, object) => seen.push(`${type} ${object.metadata.name}`), () => { ended = true; });
  await core.createNamespacedConfigMap({ namespace, body: configMap('w', {}, { set: 'watch' }) });
  await core.deleteNamespacedConfigMap({ namespace, name: 'w' });
  await eventually('two events', () => seen.length === 2);
  assert.deepEqual(seen, ['ADDED w', 'DELETED w']);
  controller.abort();
  await eventually('the end of the watch', () => ended);
}

async function informer() {
  const seen = [];
  // Short watches, so that the informer has to connect again and again.
  const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'set=informer' });
  const cache = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'set=informer');
  for (const event of ['add', 'update', 'delete']) cache.on(event, (o) => seen.push(`${event} ${o.metadata.name}`));
  let connects = 0;
  cache.on('connect', () => { connects += 1; });
  cache.on('error', () => setTimeout(() => cache.start(), 100));
  await core.createNamespacedConfigMap({ namespace, body: configMap('before', {}, { set: 'informer' }) });
  await cache.start();
  await eventually('what was there', () => seen.includes('add before'));
  await core.createNamespacedConfigMap({ namespace, body: configMap('after', { a: '1' }, { set: 'informer' }) });
  await eventually('an addition', () => seen.includes('add after'));
  const merge = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch);
  await core.patchNamespacedConfigMap({ namespace, name: 'after', body: { data: { a: '2' } } }, merge);
  await eventually('an update', () => seen.includes('update after'));
  assert.equal(cache.get('after', namespace).data.a, '2');
  // Stopped and started again it finds out what it missed.
  await cache.stop();
  await core.deleteNamespacedConfigMap({ namespace, name: 'before' });
  await cache.start();
  await eventually('a deletion while it was away', () => seen.includes('delete before'));
  await core.deleteNamespacedConfigMap({ namespace, name: 'after' });
  await eventually('a deletion', () => seen.includes('delete after'));
  assert.ok(connects >= 2, `connected ${connects} times`);
  assert.equal(cache.list().length, 0);
  await cache.stop();
}

for (const part of [objects, refusals, jobs, watch, informer]) {
  try {
    await part();
    console.log(`ok ${part.name}`);
  } catch (error) {
    console.log(`failed ${part.name}: ${error.stack}`);
    process.exit(1);
  }
}
process.exit(0);
