// Takes pictures by camera and sounds by microphone. Each is sent to the page as an event "captured"
// whose detail is the file. A browser gives neither to a page without HTTPS: then its own camera and
// recorder are offered, as files.
"use strict";

(function () {
  const root = document.getElementById("capture");
  if (!root) return;
  const texts = JSON.parse(root.dataset.texts);
  const $ = (id) => document.getElementById(id);
  const LONGEST = 60; // seconds of one recording
  const QUALITY = 0.92; // of a JPEG
  const WIDTH = 1920; // pixels that a camera is asked for; it gives what it has
  const RATE = 16000; // Hz of what a browser's own recorder gives, decoded
  let stream = null;
  let facing = "environment";
  let recording = null;
  let count = 0;

  const say = (key, values) => {
    $("capture_status").textContent = key ? texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name]) : "";
  };

  // The time in a name lets samples that were taken within seconds be known as a burst.
  function nameOf(kind, type) {
    const now = new Date();
    const two = (number) => String(number).padStart(2, "0");
    const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
    const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join("");
    return `${kind}_${day}_${time}_${++count}.${type}`;
  }

  const give = (file) => root.dispatchEvent(new CustomEvent("captured", { bubbles: true, detail: file }));

  function failed(error) {
    const keys = { NotAllowedError: "denied", NotFoundError: "no_device", NotReadableError: "in_use" };
    say(keys[error.name] || "failed", { reason: error.message });
  }

  function stop() {
    if (stream) for (const track of stream.getTracks()) track.stop();
    stream = null;
    recording = null;
    $("camera_panel").hidden = $("sound_panel").hidden = true;
  }

  // --- pictures ---

  async function openCamera() {
    stop();
    say("");
    try {
      const video = { facingMode: facing, width: { ideal: WIDTH } };
      stream = await navigator.mediaDevices.getUserMedia({ video });
      $("camera_panel").hidden = false;
      $("viewfinder").srcObject = stream;
      await $("viewfinder").play();
      const cameras = await navigator.mediaDevices.enumerateDevices();
      $("turn_camera").hidden = cameras.filter((device) => device.kind === "videoinput").length < 2;
      $("take").focus();
    } catch (error) {
      stop();
      failed(error);
    }
  }

  function take() {
    const video = $("viewfinder");
    if (!video.videoWidth) return;
    const canvas = document.createElement("canvas");
    canvas.width = video.videoWidth;
    canvas.height = video.videoHeight;
    canvas.getContext("2d").drawImage(video, 0, 0);
    canvas.toBlob((blob) => give(new File([blob], nameOf("picture", "jpg"), { type: "image/jpeg" })), "image/jpeg", QUALITY);
  }

  // --- sounds ---

  // A WAV of one channel with 16 bits. `samples`: Float32Array in -1..1.
  function wav(samples, rate) {
    const data = new DataView(new ArrayBuffer(44 + 2 * samples.length));
    const text = (at, letters) => [...letters].forEach((letter, place) => data.setUint8(at + place, letter.charCodeAt(0)));
    text(0, "RIFF");
    data.setUint32(4, 36 + 2 * samples.length, true);
    text(8, "WAVEfmt ");
    data.setUint32(16, 16, true);
    data.setUint16(20, 1, true); // PCM
    data.setUint16(22, 1, true); // one channel
    data.setUint32(24, rate, true);
    data.setUint32(28, 2 * rate, true);
    data.setUint16(32, 2, true);
    data.setUint16(34, 16, true);
    text(36, "data");
    data.setUint32(40, 2 * samples.length, true);
    samples.forEach((value, place) => data.setInt16(44 + 2 * place, Math.round(32767 * Math.max(-1, Math.min(1, value))), true));
    return new File([data], nameOf("sound", "wav"), { type: "audio/wav" });
  }

  async function record() {
    stop();
    say("");
    try {
      // what a device hears is not filtered as a telephone call is
      const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getUserMedia({ audio });
      const context = new AudioContext();
      await context.audioWorklet.addModule(root.dataset.recorder);
      const node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
      const mine = (recording = { context, parts: [], length: 0 });
      node.port.onmessage = ({ data }) => {
        if (recording !== mine) return;
        mine.parts.push(data);
        mine.length += data.length;
        const seconds = mine.length / context.sampleRate;
        say("recording", { seconds: seconds.toFixed(1) });
        if (seconds >= LONGEST) finish();
      };
      context.createMediaStreamSource(stream).connect(node);
      $("sound_panel").hidden = false;
      $("stop_recording").focus();
    } catch (error) {
      stop();
      failed(error);
    }
  }

  function finish() {
    if (!recording) return;
    const { context, parts, length } = recording;
    const samples = new Float32Array(length);
    let at = 0;
    for (const part of parts) {
      samples.set(part, at);
      at += part.length;
    }
    stop();
    context.close();
    say("");
    if (length) give(wav(samples, context.sampleRate));
  }

  // --- without HTTPS ---

  // A telephone's recorder writes formats that no reader takes, and a browser decodes them.
  async function decoded(file) {
    const context = new OfflineAudioContext(1, 1, RATE);
    const sound = await context.decodeAudioData(await file.arrayBuffer());
    const mono = new Float32Array(sound.length);
    for (let channel = 0; channel < sound.numberOfChannels; channel++) {
      sound.getChannelData(channel).forEach((value, place) => { mono[place] += value / sound.numberOfChannels; });
    }
    return wav(mono, sound.sampleRate);
  }

  function offerFiles() {
    $("live").hidden = true;
    $("captured_files").hidden = false;
    if ($("own_camera")) $("own_camera").addEventListener("change", (event) => {
      for (const file of event.target.files) give(new File([file], nameOf("picture", file.type === "image/png" ? "png" : "jpg"), { type: file.type }));
      event.target.value = "";
    });
    if ($("own_recorder")) $("own_recorder").addEventListener("change", async (event) => {
      for (const file of event.target.files) await decoded(file).then(give).catch((error) => say("failed", { reason: error.message }));
      event.target.value = "";
    });
  }

  if (!(window.isSecureContext && navigator.mediaDevices)) return offerFiles();
  const commands = { open_camera: openCamera, take, close_camera: stop, record, stop_recording: finish };
  for (const [id, command] of Object.entries(commands)) if ($(id)) $(id).addEventListener("click", command);
  $("turn_camera").addEventListener("click", () => {
    facing = facing === "environment" ? "user" : "environment";
    openCamera();
  });
  addEventListener("pagehide", stop);
})();
