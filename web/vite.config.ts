import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// Fixed names, no chunks, nothing inlined: the server carries exactly index.html, app.js, app.css
// and favicon.svg, under a policy that allows no inline script or style.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: {
      output: {
        entryFileNames: 'app.js',
        assetFileNames: 'app[extname]',
        inlineDynamicImports: true,
      },
    },
  },
  // `npx vite` while working on the page: the API of a server that runs already.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});
