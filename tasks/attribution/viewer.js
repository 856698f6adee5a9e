// What pages show alike: the elements, bars, marked words, attention. Data: attribution::attention_to_view.
const make = (tag, attributes = {}, ...inside) => {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) name in e && name !== 'role' ? e[name] = value : e.setAttribute(name, value);
  e.append(...inside);
  return e;
};
const rgb = name => getComputedStyle(document.documentElement).getPropertyValue(name);

function bars(scores) {
  const list = make('ul', {className: 'bars'}), top = Math.max(1, ...scores.map(s => Math.abs(s.score)));
  for (const {label, score} of scores.slice(0, 12)) {
    const fill = make('i');
    fill.style.width = 100 * Math.max(0, score) / top + '%';
    list.append(make('li', {}, make('span', {className: 'name'}, label), make('span', {className: 'bar', 'aria-hidden': 'true'}, fill),
      make('span', {className: 'number'}, score.toFixed(4))));
  }
  return list;
}

// Without signs the shade says how much, and nothing of for and against.
function words(list, signs = true) {
  const most = Math.max(1e-9, ...list.map(w => Math.abs(w.share))), out = make('p', {className: 'words'});
  for (const w of list) {
    const strength = Math.abs(w.share) / most, colour = rgb(!signs ? '--heat' : w.share >= 0 ? '--for' : '--against');
    const span = make('span', {title: (signs && w.share >= 0 ? '+' : '') + w.share.toFixed(3)}, w.word);
    span.style.background = `rgba(${colour}, ${0.35 * strength})`;
    if (signs && strength > 0.2) span.style.borderBottom = `3px ${w.share >= 0 ? 'solid' : 'dashed'} rgb(${colour})`;
    out.append(span, ' ');
  }
  return out;
}

function picture(head, name, pressed, choose) {
  const Q = head.length, K = head[0].length, canvas = make('canvas', {width: K, height: Q, 'aria-hidden': 'true'});
  const c = canvas.getContext('2d'), heat = rgb('--heat');
  for (let q = 0; q < Q; ++q) for (let k = 0; k < K; ++k) {
    c.fillStyle = `rgba(${heat}, ${head[q][k] / 1e4})`;
    c.fillRect(k, q, 1, 1);
  }
  const button = make('button', {type: 'button', title: name, 'aria-label': name, 'aria-pressed': String(pressed)}, canvas);
  button.addEventListener('click', () => choose(button));
  return button;
}

function attention(answer) {
  const box = make('div'), glance = make('div', {className: 'glance', role: 'group', 'aria-label': 'all heads'});
  const line = make('div', {className: 'tokens', role: 'group', 'aria-label': 'tokens'}), says = make('p', {className: 'note', 'aria-live': 'polite'});
  let layer = 0, head = 0, query = 0;
  const left = l => answer.layers[l].tokens || answer.tokens.map((_, i) => i);
  const paint = () => {
    const maps = answer.layers[layer].heads[head], keys = left(layer), q = maps.length === 1 ? 0 : keys.indexOf(query), heat = rgb('--heat');
    [...line.children].forEach((b, i) => {
      const k = keys.indexOf(i), p = q < 0 || k < 0 ? 0 : maps[q][k] / 1e4;
      b.style.background = `rgba(${heat}, ${0.6 * p})`;
      b.title = (100 * p).toFixed(1) + ' %';
      b.setAttribute('aria-pressed', String(i === query));
    });
    const best = q < 0 ? [] : keys.map((i, k) => [maps[q][k] / 100, answer.tokens[i]]).sort((a, b) => b[0] - a[0]).slice(0, 3);
    says.textContent = `Layer ${layer}, head ${head}: ` + (maps.length === 1 ? 'its own query' : '“' + answer.tokens[query] + '”') +
      (best.length ? ' looks at ' + best.map(([p, t]) => `${t} ${p.toFixed(0)} %`).join(', ') : ' is not left in this layer') + '.';
  };
  answer.layers.forEach((l, i) => {
    const row = make('div', {}, make('span', {}, 'layer ' + i));
    l.heads.forEach((h, j) => row.append(picture(h, `layer ${i}, head ${j}`, i === 0 && j === 0, button => {
      glance.querySelectorAll('button').forEach(b => b.setAttribute('aria-pressed', String(b === button)));
      layer = i; head = j; paint();
    })));
    glance.append(row);
  });
  answer.tokens.forEach((token, i) => {
    const b = make('button', {type: 'button', 'aria-pressed': 'false'}, token), choose = () => { query = i; paint(); };
    b.addEventListener('mouseenter', choose); b.addEventListener('focus', choose); b.addEventListener('click', choose);
    line.append(b);
  });
  box.append(make('h3', {}, 'Attention, all heads'), glance, make('h3', {}, 'What a word looks at'), line, says);
  paint();
  return box;
}
