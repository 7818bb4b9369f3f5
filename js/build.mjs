// Builds the one bundle: every module and stylesheet of src/ as a single ES module without imports.
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const outfile = resolve(here, "../semiring_widgets/widgets/static/widget.js");

await mkdir(dirname(outfile), { recursive: true });
const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/index.ts"],
  outfile,
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome115", "firefox115", "safari16.4"],
  loader: { ".css": "text" },
  plugins: [minifiedCss()],
  minify: true,
  // The licence of lit-html asks for its notice.
  legalComments: "eof",
  charset: "ascii",
  write: true,
  metafile: true,
  logLevel: "warning",
});
const { readFile } = await import("node:fs/promises");
const bytes = await readFile(outfile);
const inputs = Object.keys(result.metafile.inputs).length;
console.log(`${outfile}: ${inputs} files, ${bytes.length} bytes, ${gzipSync(bytes).length} gzipped`);

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
