/** Signing in and out with JupyterHub; the server adds this to the page where it is a service. */

const { user } = document.getElementById("hub").dataset;
const BASE = new URL(".", document.baseURI);

function button(id, words, act) {
  const made = document.createElement("button");
  made.id = id;
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

function offerToEnter() {
  const enter = () => location.assign(new URL("hub/login", BASE));
  const made = button("hub-login", "Sign in with JupyterHub", enter);
  made.className = "strong";
  // What comes below it is for tokens of taskkit's own.
  document.querySelector("#sign-in h2")?.after(made);
}

function offerToLeave() {
  const made = button("hub-logout", "Sign out", leave);
  made.title = `Signed in as ${user}, by JupyterHub`;
  document.querySelector("header")?.append(made);
}

async function leave() {
  await fetch(new URL("hub/logout", BASE), { method: "POST" });
  // What was searched for is not for whoever comes next.
  history.replaceState(null, "", BASE);
  location.reload();
}

if (user) offerToLeave();
else offerToEnter();
