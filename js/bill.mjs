// What a bundle is made of beside our own files: a CycloneDX bill of materials next to the bundle, and one file
// with the licences of all bundles. Both hold nothing that changes from build to build.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const LICENCES = resolve(here, "THIRD_PARTY_LICENSES.txt");
const INSTALLED = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** Writes the bills of some builds of esbuild, `{ outfile, metafile }` each, and the licences they ask for. */
export async function writeBills(builds) {
  const { packages } = JSON.parse(await readFile(resolve(here, "package-lock.json"), "utf8"));
  const esbuild = packages["node_modules/esbuild"].version;
  const shipped = new Set();
  for (const { outfile, metafile } of builds) {
    // What contributes no byte, as types do, is not shipped.
    const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs));
    const names = inputs
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => INSTALLED.exec(path)?.[1]);
    const own = [...new Set(names.filter((name) => name !== undefined))].sort();
    for (const name of own) shipped.add(name);
    const bill = billOf(basename(outfile), await readFile(outfile), own, packages, esbuild);
    await writeFile(outfile.replace(/\.js$/, ".cdx.json"), `${JSON.stringify(bill, null, 2)}\n`);
  }
  const texts = [...shipped].sort().map(async (name) => {
    const text = await readFile(resolve(here, "node_modules", name, "LICENSE"), "utf8");
    const { version, license } = packages[`node_modules/${name}`];
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  });
  await writeFile(LICENCES, (await Promise.all(texts)).join(`\n${"-".repeat(78)}\n\n`));
}

function billOf(name, content, own, packages, esbuild) {
  const components = own.map((name) => {
    const { version, license, integrity } = packages[`node_modules/${name}`];
    const purl = `pkg:npm/${name.replace("@", "%40")}@${version}`;
    const [algorithm, digest] = integrity.split("-", 2);
    return {
      type: "library",
      "bom-ref": purl,
      name,
      version,
      purl,
      licenses: [{ license: { id: license } }],
      hashes: [
        { alg: algorithm.replace("sha", "SHA-"), content: Buffer.from(digest, "base64").toString("hex") },
      ],
    };
  });
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      tools: { components: [{ type: "application", name: "esbuild", version: esbuild }] },
      component: {
        type: "file",
        "bom-ref": name,
        name,
        licenses: [{ license: { id: "Apache-2.0" } }],
        hashes: [{ alg: "SHA-256", content: createHash("sha256").update(content).digest("hex") }],
      },
    },
    components,
    dependencies: [{ ref: name, dependsOn: components.map((component) => component.purl) }],
  };
}
