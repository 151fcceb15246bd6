// @ts-check
/** The microphone and the camera, and why there is none. */

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO = { width: { ideal: 1_280 }, height: { ideal: 720 }, facingMode: "user" };

/** Said to the user as it is. */
export class NoDevice extends Error {}

/** Raises `NoDevice`. */
export function openMicrophone() {
  return open({ audio: AUDIO }, "microphone");
}

/** Raises `NoDevice`. */
export function openCamera() {
  return open({ video: VIDEO }, "camera");
}

/**
 * @param {MediaStreamConstraints} constraints
 * @param {string} device
 */
async function open(constraints, device) {
  if (!navigator.mediaDevices) {
    throw new NoDevice(
      `Browsers give a ${device} to safe addresses only. Open this page at http://localhost, or by https.`,
    );
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    return stream.getTracks()[0];
  } catch (error) {
    throw new NoDevice(reasonOf(error, device));
  }
}

/**
 * @param {unknown} error of getUserMedia
 * @param {string} device
 */
export function reasonOf(error, device) {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
      return `The ${device} is not allowed. Allow it for this page in the browser's address bar, then try again.`;
    case "NotFoundError":
      return `There is no ${device}. Plug one in, then try again.`;
    case "NotReadableError":
    case "AbortError":
      return `Another program holds the ${device}. Close it there, then try again.`;
    default:
      return `The ${device} could not be opened.`;
  }
}
