// The JavaScript client (@kubernetes/client-node) through the API alone. One line per check:
// "ok NAME" or "not ok NAME: why". Run by test_api_javascript.py.
import assert from "node:assert";
import { createRequire } from "node:module";

const require = createRequire(process.env.MINATO_NODE_CLIENT + "/");
const k8s = require("@kubernetes/client-node");

const config = new k8s.KubeConfig();
config.loadFromFile(process.env.KUBECONFIG);
const core = config.makeApiClient(k8s.CoreV1Api);
const apps = config.makeApiClient(k8s.AppsV1Api);
const namespace = "default";

const map = (name, data) => ({ metadata: { name }, data });
const until = async (what, holds) => {
  for (let i = 0; i < 100; ++i) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what} did not happen`);
};
const failsWith = async (code, call) => {
  try {
    await call();
  } catch (error) {
    assert.equal(error.code, code);
    return;
  }
  assert.fail(`no error ${code}`);
};

const checks = {
  async create_read_replace_delete() {
    await core.createNamespacedConfigMap({ namespace, body: map("js", { a: "1" }) });
    const found = await core.readNamespacedConfigMap({ namespace, name: "js" });
    assert.deepEqual(found.data, { a: "1" });
    await core.replaceNamespacedConfigMap({ namespace, name: "js", body: { ...found, data: { a: "2" } } });
    await failsWith(409, () => core.replaceNamespacedConfigMap({ namespace, name: "js", body: found }));
    await core.deleteNamespacedConfigMap({ namespace, name: "js" });
    await failsWith(404, () => core.readNamespacedConfigMap({ namespace, name: "js" }));
  },
  async lists_with_selectors_and_pages() {
    for (const name of ["p1", "p2", "p3"])
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name, labels: { page: "yes" } } } });
    const first = await core.listNamespacedConfigMap({ namespace, labelSelector: "page=yes", limit: 2 });
    assert.equal(first.items.length, 2);
    const rest = await core.listNamespacedConfigMap({ namespace, labelSelector: "page=yes", limit: 2, _continue: first.metadata._continue });
    assert.equal(rest.items.length, 1);
    await core.deleteCollectionNamespacedConfigMap({ namespace, labelSelector: "page=yes" });
    assert.equal((await core.listNamespacedConfigMap({ namespace, labelSelector: "page=yes" })).items.length, 0);
  },
  async every_patch_type() {
    const objects = k8s.KubernetesObjectApi.makeApiClient(config);
    const object = { apiVersion: "v1", kind: "ConfigMap", ...map("patched", { a: "1" }) };
    object.metadata.namespace = namespace;
    await objects.create(object);
    const patch = (data, type) => objects.patch({ ...object, data }, undefined, undefined, "js", undefined, type);
    assert.equal((await patch({ b: "2" }, k8s.PatchStrategy.MergePatch)).data.b, "2");
    assert.equal((await patch({ c: "3" }, k8s.PatchStrategy.StrategicMergePatch)).data.c, "3");
    assert.equal((await objects.patch({ ...object, data: { d: "4" } }, undefined, undefined, "js", true, k8s.PatchStrategy.ServerSideApply)).data.d, "4");
    await objects.delete(object);
  },
  async informer_sees_changes() {
    const seen = [];
    const list = () => core.listNamespacedConfigMap({ namespace });
    const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list);
    for (const what of ["add", "update", "delete"]) informer.on(what, (object) => seen.push(`${what} ${object.metadata.name}`));
    await informer.start();
    const made = await core.createNamespacedConfigMap({ namespace, body: map("watched", {}) });
    await until("the add", () => seen.includes("add watched"));
    await core.replaceNamespacedConfigMap({ namespace, name: "watched", body: { ...made, data: { x: "y" } } });
    await until("the update", () => seen.includes("update watched"));
    await core.deleteNamespacedConfigMap({ namespace, name: "watched" });
    await until("the delete", () => seen.includes("delete watched"));
    await informer.stop();
  },
  async workloads_and_scale() {
    const labels = { app: "js" };
    await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: "js" }, spec: { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } } } } });
    const scale = await apps.readNamespacedDeploymentScale({ namespace, name: "js" });
    scale.spec.replicas = 3;
    await apps.replaceNamespacedDeploymentScale({ namespace, name: "js", body: scale });
    assert.equal((await apps.readNamespacedDeployment({ namespace, name: "js" })).spec.replicas, 3);
    await apps.deleteNamespacedDeployment({ namespace, name: "js" });
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok ${name}`);
  } catch (error) {
    ++failed;
    console.log(`not ok ${name}: ${String(error.message).split("\n")[0]}`);
  }
}
process.exit(failed === 0 ? 0 : 1);
