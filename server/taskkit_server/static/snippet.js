/** The lines of Python that make a first job. Pure. */

const HERE = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Returns what to run in a notebook, for a page at `base`.
 *
 * On this machine, and where Jupyter leads to the page, a client finds the stack itself; elsewhere it
 * is told of the server, but its token is for the environment.
 */
export function snippet({ hostname, href }, hasToken) {
  const job = 'client.submit("demo", "Hello")';
  if (HERE.has(hostname) || !hasToken) return `import taskkit\nclient = taskkit.Client()\n${job}`;
  const url = href.replace(/\/$/, "");
  return `import os, taskkit\nclient = taskkit.Client("${url}", os.environ["TASKKIT_TOKEN"])\n${job}`;
}
