// Builds the one bundle: every module and stylesheet of src/ as a single ES module without imports. With
// --watch it does so again after every change.
import { mkdir, readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";
import { writeBills } from "./bill.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const outfile = resolve(here, "../semiring_widgets/widgets/static/widget.js");

await mkdir(dirname(outfile), { recursive: true });
const options = {
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  outfile,
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome115", "firefox115", "safari16.4"],
  loader: { ".css": "text" },
  plugins: [minifiedCss(), told()],
  minify: true,
  // The licence of lit-html asks for its notice.
  legalComments: "eof",
  charset: "ascii",
  write: true,
  metafile: true,
  logLevel: "warning",
};
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  const { metafile } = await build(options);
  await writeBills([{ outfile, metafile }]);
}

/** Says what was built, and how large it is. */
function told() {
  return {
    name: "told",
    setup({ onEnd }) {
      onEnd(async ({ errors, metafile }) => {
        if (errors.length > 0) return;
        const bytes = await readFile(outfile);
        const inputs = Object.keys(metafile.inputs).length;
        console.log(`${outfile}: ${inputs} files, ${bytes.length} bytes, ${gzipSync(bytes).length} gzipped`);
      });
    },
  };
}

/** Stylesheets become strings: imported ones joined, nesting lowered, comments and blanks removed. */
function minifiedCss() {
  return {
    name: "minified-css",
    setup(context) {
      context.onLoad({ filter: /\.css$/ }, async ({ path }) => {
        const css = await build({
          entryPoints: [path],
          bundle: true,
          minify: true,
          write: false,
          target: ["chrome115", "firefox115", "safari16.4"],
        });
        return { contents: css.outputFiles[0].text.trim(), loader: "text", watchFiles: [path] };
      });
    },
  };
}
