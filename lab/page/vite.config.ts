import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// A classic script beside its style sheet: from file:// a browser loads no modules. Names stay, for index.html and the
// programs that hand the page out say them.
export default defineConfig({
  base: "./",
  plugins: [{
    name: "recorded", // lanes that were really measured, for browsers that run no script
    generateBundle() {
      this.emitFile({ type: "asset", fileName: "recorded.svg", source: readFileSync(new URL("../../results/blocking-async.svg", import.meta.url)) });
    },
  }],
  resolve: { alias: [{ find: /^d3-interpolate$/, replacement: fileURLToPath(new URL("src/interpolate.ts", import.meta.url)) }] },
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rollupOptions: {
      input: "src/main.tsx",
      output: { format: "iife", entryFileNames: "page.js", assetFileNames: "page[extname]" },
    },
  },
});
