"""The studio: pages in a browser to bring data, train, see what came of it, and try a package.

Server-rendered, without a build step and without anything from elsewhere. Nothing heavy is imported
here: work runs in processes of its own."""
