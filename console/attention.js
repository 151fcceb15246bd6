// @ts-check
/** What a tab in the background shows: its title and its icon. */

const TITLE = document.title;

/**
 * @param {string} what happens now; empty for nothing
 * @param {number} missed
 */
export function show(what, missed) {
  const count = missed ? `(${missed}) ` : "";
  const title = what ? `${what} – Parley` : `${count}${TITLE}`;
  if (document.title !== title) document.title = title;
  const icon = what ? "icon-call.svg" : missed ? "icon-missed.svg" : "icon.svg";
  const link = document.querySelector("link[rel=icon]");
  if (link?.getAttribute("href") !== icon) link?.setAttribute("href", icon);
}
