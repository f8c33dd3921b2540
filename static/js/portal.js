// The portal's scripts; shared/web/assets.py joins them. Every page works without them.
import "./once.js";
import "./errors.js";
import "./selection.js";
import "./sketch.js";
import "./waiting.js";
import "./copy.js";
import "./tabs.js";
import "./speak.js";
