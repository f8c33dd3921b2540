// The back-office's scripts; shared/web/assets.py joins them. Every page works without them.
import "./sketch.js";
import "./once.js";
import "./errors.js";
import "./selection.js";
import "./waiting.js";
import "./copy.js";
import "./filters.js";
import "./replies.js";
import "./menus.js";
import "./keys.js";
import "./peek.js";
import "./columns.js";
import "./totals.js";
