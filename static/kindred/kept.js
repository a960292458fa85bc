// Pictures that wait, in this tab alone, while their owner signs in again.

const TAB = "kindred-kept";
const MINUTES = 30;

function store(mode) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("kindred", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("pictures");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => resolve(opening.result.transaction("pictures", mode).objectStore("pictures"));
  });
}

function ended(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export async function keep(files) {
  const key = crypto.getRandomValues(new Uint32Array(4)).join("-"); // another tab, or person, does not know it
  try {
    await ended((await store("readwrite")).put({ files, until: Date.now() + 60_000 * MINUTES }, key));
    sessionStorage.setItem(TAB, key);
  } catch {
    sessionStorage.setItem(TAB, "gone"); // the browser stores nothing: the page says to choose again
  }
}

// Returns the files; [] where they are gone, null where none waited.
export async function kept() {
  const key = sessionStorage.getItem(TAB);
  sessionStorage.removeItem(TAB);
  if (!key) return null;
  try {
    const pictures = await store("readwrite");
    const found = await ended(pictures.get(key));
    await ended(pictures.clear()); // of other tabs as well: nobody's pictures stay in a browser
    return found && found.until > Date.now() ? found.files : [];
  } catch {
    return [];
  }
}
