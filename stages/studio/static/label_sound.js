// Plays a sound, or the region of it that was chosen on its spectrogram.
export class Player {
  constructor(load, moved) {
    Object.assign(this, { load, moved });
    this.buffers = new Map();
    this.playing = null;
  }

  async play(sample, region) {
    this.stop();
    this.context ||= new AudioContext();
    const asked = (this.asked = {});
    let buffer = this.buffers.get(sample.number);
    if (!buffer) {
      buffer = await this.context.decodeAudioData(await this.load(sample));
      if (this.buffers.size > 8) this.buffers.delete(this.buffers.keys().next().value);
      this.buffers.set(sample.number, buffer);
    }
    if (asked !== this.asked) return;
    const [from, to] = region || [0, 1];
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.onended = () => this.playing && this.playing.source === source && this.stop();
    await this.context.resume();
    source.start(0, from * buffer.duration, (to - from) * buffer.duration);
    this.playing = { source, from, since: this.context.currentTime, seconds: buffer.duration };
    this.tick();
  }

  tick() {
    if (!this.playing) return;
    const { from, since, seconds } = this.playing;
    this.moved(Math.min(1, from + (this.context.currentTime - since) / seconds));
    requestAnimationFrame(() => this.tick());
  }

  stop() {
    this.asked = null;
    const playing = this.playing;
    this.playing = null;
    if (playing) playing.source.stop();
    this.moved(null);
  }
}
