// Runs beside the page, in the thread of sound: sends what the microphone gives, a piece at a time.
const PIECE = 4096; // samples of one message

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.filled = 0;
  }

  process([input]) {
    if (input.length) {
      for (const value of input[0]) {
        this.piece[this.filled++] = value;
        if (this.filled === PIECE) {
          this.port.postMessage(this.piece.slice());
          this.filled = 0;
        }
      }
    }
    return true;
  }
}

registerProcessor("recorder", Recorder);
