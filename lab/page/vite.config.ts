import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// A classic script beside its style sheet: from file:// a browser loads no modules. Names stay, for index.html and the
// programs that hand the page out say them.
export default defineConfig({
  base: "./",
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
      output: { format: "iife", entryFileNames: "page.js", assetFileNames: ({ names }) => (names[0]?.endsWith(".css") ? "page.css" : "[name][extname]") },
    },
  },
});
