// @ts-check
/** Tabs as ARIA has them: one is chosen, arrows go to the next, its panel is shown. */

const STEPS = new Map([["ArrowRight", 1], ["ArrowLeft", -1]]);

/**
 * @param {HTMLElement} list
 * @param {(panelId: string) => void} chosen
 */
export function tabs(list, chosen) {
  const all = [...list.querySelectorAll("[role=tab]")].filter((one) => one instanceof HTMLElement);

  /** @param {string | undefined} id of the panel; none for no panel at all */
  function show(id) {
    for (const tab of all) {
      const panel = tab.getAttribute("aria-controls") ?? "";
      tab.setAttribute("aria-selected", String(panel === id));
      tab.tabIndex = panel === id ? 0 : -1;
      const place = document.getElementById(panel);
      if (place) place.hidden = panel !== id;
    }
  }
  /** @param {string} id */
  function choose(id) {
    show(id);
    chosen(id);
  }
  list.addEventListener("click", ({ target }) => {
    const tab = target instanceof Element && target.closest("[role=tab]");
    if (tab) choose(tab.getAttribute("aria-controls") ?? "");
  });
  list.addEventListener("keydown", (event) => {
    const step = STEPS.get(event.key);
    const at = all.findIndex((tab) => tab === document.activeElement);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    const next = all[(at + step + all.length) % all.length];
    next.focus();
    next.click();
  });
  return { choose, hide: () => show(undefined) };
}
