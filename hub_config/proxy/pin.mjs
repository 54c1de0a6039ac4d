// Preloaded into configurable-http-proxy (node --import): a session's certificate must be of the route's own user.
//
// JupyterHub signs every session's certificate with one authority, and all name the same nodes. Without this, a person
// with a session of their own could take over the port of a session that died, and receive its owner's cookies.
import { realpathSync } from "node:fs";
import https from "node:https";
import { dirname, join } from "node:path";
import tls from "node:tls";
import { pathToFileURL } from "node:url";

const root = join(dirname(realpathSync(process.argv[1])), "..");
const load = (file) => import(pathToFileURL(join(root, file)));
const agents = new Map(); // owner of the target ("" for the hub and services) -> agent that accepts the owner's certificate

function agentOf(owner) {
  const accepts = (name) => {
    if (owner) return name === `user-${owner}`; // JupyterHub's Spawner.create_certs
    // The hub is hub-internal, and what it starts as a service is user-service: neither is a person's.
    return typeof name === "string" && (!name.startsWith("user-") || name === "user-service");
  };
  const checkServerIdentity = (host, certificate) => {
    const mismatch = tls.checkServerIdentity(host, certificate);
    if (mismatch) return mismatch;
    const name = certificate.subject.CN;
    return accepts(name) ? undefined : new Error(`${host} is to be ${owner || "the hub's"} but has the certificate of ${name}`);
  };
  // No servername: else Node.js compares the certificate with the browser's Host header, not with the target.
  if (!agents.has(owner)) agents.set(owner, new https.Agent({ keepAlive: true, servername: "", checkServerIdentity }));
  return agents.get(owner);
}

async function pin() {
  const { ConfigurableProxy } = await load("index.js");
  const { MemoryStore } = await load("lib/store.js");
  const { getTarget } = MemoryStore.prototype;
  const { proxyOptsForTarget } = ConfigurableProxy.prototype;

  // The owner travels in the target's fragment, so each request is held to its own route, whoever else has that port.
  MemoryStore.prototype.getTarget = async function (path) {
    const route = await getTarget.call(this, path);
    if (!route) return route;
    const { target, user } = route.data;
    return { prefix: route.prefix, data: { ...route.data, target: `${target}#${encodeURIComponent(user ?? "")}` } };
  };
  ConfigurableProxy.prototype.proxyOptsForTarget = function (target) {
    const owner = decodeURIComponent(target.hash.slice(1));
    target.hash = "";
    const options = proxyOptsForTarget.call(this, target);
    if (owner && !options.secure) throw new Error(`${owner}'s session at ${target.host} has no certificate`);
    // The second is for the request of an error page, which takes the target for its options.
    if (options.secure) options.agent = options.target.agent = agentOf(owner);
    return options;
  };

  // Are these still the ways that a request takes?
  const quiet = () => {};
  const probe = new ConfigurableProxy({ log: { info: quiet, debug: quiet, warn: quiet, error: quiet } });
  await probe.addRoute("/probe", { target: "https://localhost:1", user: "probe" });
  const { target } = await probe.targetForReq({ url: "/probe/", headers: {} });
  if (probe.proxyOptsForTarget(new URL(target)).agent !== agentOf("probe")) throw new Error("its routes are not pinned");
  if (process.argv.some((word) => word.startsWith("--storage-backend"))) throw new Error("routes must be kept in memory");
}

try {
  await pin();
} catch (error) {
  console.error(`The proxy does not start: ${root} cannot be told whose session answers (${error.message}).`);
  console.error("Install the version in hub_config/proxy/package-lock.json: ./campus up does.");
  process.exit(1);
}
