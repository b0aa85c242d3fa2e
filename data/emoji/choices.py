"""List the emoji that are left out, and those that look alike: one family, one side of the split."""

from __future__ import annotations

# Single emoji that are left out, because another one kept here is nearly the same picture, because they hold
# writing or a bare shape, or because they do not suit a class of children.
LEFT_OUT = """
😃 😄 😁 😆 😅 🙂 🙃 😉 😊 😗 ☺️ 😚 😙 🥲 😋 😛 😜 😝 🫢 🤨 😐 😑 😶 🫥 😶‍🌫️ 😏 😒 🙄 😬 😮‍💨
🙂‍↔️ 🙂‍↕️ 😌 😔 😪 🤤 🥴 😵 😵‍💫 😕 🫤 😟 🙁 ☹️ 😮 😯 😲 😳 🥺 🥹 😦 😧 😨 😰 😥 😢 😖 😣 😞
😓 😩 😫 😠 👿 ☠️ 😸 😼 😽 💖 💓 💞 💟 ❣️ 🩷 🧡 💛 💚 💙 🩵 💜 🤎 🖤 🩶 🤍 💯 💢 💫 🕳️ 👁️‍🗨️
🗨️ 🗯️ 💭 💤
🤚 🖐️ 🖖 🫱 🫲 🫳 🫴 🫷 🫸 🤌 🤏 🫰 🤟 🤙 👈 🖕 👇 🫵 🤛 🤜 👐 🤲 🦻 🫦 🧒 🧑 👱 🧔 🧑‍🦰 🧑‍🦱
🧑‍🦳 🧑‍🦲 🧓 🙍 🙎 🙆 🧏 🧑‍🏭 🧑‍💼 🫅 👲 🤵 🫃 🫄 🧑‍🍼 🧑‍🎄 💆 🧍 🧎 🧑‍🦼 🕴️ 👯 🧖 🚵 🤽 🧑‍🤝‍🧑 👭 👬 💏 👤
👥
🦮 🐕‍🦺 🐃 🐫 🐀 🐥 🐦‍⬛ 💮 🏵️ 🌼 🪻 🍃 🪹
🍏 🫓 🫔 🥣 🍘 🍧 🍻 🍴
🌎 🌏 ⛰️ 🏚️ 🏣 🏤 🏩 🏬 🌆 ♨️ 🚅 🚆 🚈 🚉 🚞 🚋 🚍 🚎 🚐 🚔 🚖 🚘 🚥 ⛴️ 🛥️ 🛩️ 🚟 🚡 ⏳ 🕛
🕧 🕐 🕜 🕑 🕝 🕞 🕓 🕟 🕔 🕠 🕕 🕡 🕖 🕢 🕗 🕣 🕘 🕤 🕙 🕥 🕚 🕦 🌑 🌒 🌔 🌖 🌗 🌘 🌚 🌛
🌜 🌟 🌤️ 🌥️ 🌩️ 🌫️ ☔ ⛱️ ⛄
🎫 🥈 🥉 🔫 ♠️ ♥️ ♦️ ♣️
🩲 👚 👝 🥿 👡 ⛑️ 🔇 🔈 🔉 📢 🔕 🎶 🎙️ 🎛️ 📲 📟 🪫 🖲️ 💽 📀 📽️ 📸 🔎 📔 📗 📘 📙 📓 📃 📄
🗞️ 💴 💶 💷 💹 📧 📨 📩 📤 📪 📬 📭 ✒️ 🖋️ 📂 📆 🗒️ 🗓️ 📇 📉 📍 🖇️ 🗃️ 🔏 🔐 ⚒️ 🛠️ ⛓️‍💥 🛗 🚬
⚱️ 🪧
"""

# Look-alikes and namesakes, one family a line: all of a family are on the same side of the split. Of the
# subgroups in TOGETHER, all emoji are one family.
TOGETHER = """
face-smiling face-affection face-tongue face-hand face-neutral-skeptical face-sleepy face-unwell face-hat
face-glasses face-concerned face-negative cat-face monkey-face heart hand-fingers-open hand-fingers-partial
hand-single-finger hand-fingers-closed hands person person-gesture
"""
FAMILIES = """
😺 🐱 🐈 🐈‍⬛
🙈 🐵 🐒
💋 👄 👅
💦 💧 🩸
💌 ✉️
👹 👺
👽 👾 🛸
🦾 🦿 🦵
👀 👁️
👋 👌 👆 👍 👏
👨 💁 💇
🥵 😡
🌕 🎾
🍫 🧧
💬 🕒
👮 🕵️ 🧑‍✈️ 💂 👷 🧑‍🎓
🧑‍🔧 👷 🧑‍🌾
🧑‍⚕️ 🧑‍🔬 🧑‍⚖️ 🧑‍💻 🧑‍🏫 🧑‍🎤
🤴 👸 👑
🧕 👳
👰 🤰 🤱
🎅 🤶
🦸 🦹
🧙 🧚 🧝
🧞 🧟 🧌
🧑‍🦯 🦯
🧑‍🦽 🦽 🦼 🛵
💃 🕺 🤼 🏃 🚶 🧘 ⛹️ 🤾 🤸 🏄
🚴 🚲
🏊 🚣
⛷️ 🏂 🎿
🛀 🛁
🛌 🛏️ 🛋️
👫 💑 👪 🫂
👣 🐾
🦍 🦧
🐶 🐕 🐩
🐯 🐅 🐆
🐴 🐎 🫏 🦓 🦄 🏇 🎠
🦌 🫎
🐮 🐂 🐄 🦬
🐷 🐖 🐗 🐽
🐏 🐑 🐐
🐪 🦙
🐘 🦣
🦏 🦛
🐭 🐁 🐹
🐰 🐇
🐿️ 🦫
🐻 🐻‍❄️ 🐨 🐼 🧸
🦨 🦡 🦝
🐔 🐓 🦃
🐣 🐤
🦢 🪿 🦆 🕊️
🪶 🪽
🐉 🐲 🐊 🦎
🦕 🦖
🐳 🐋 🐬 🦈
🐟 🐠 🐡 🎏
🦀 🦞 🦐 🍤 🦂
🐙 🦑 🪼
🐛 🪱
🐜 🪲 🐞 🪳 🦗 🦟 🪰 🐝
🕷️ 🕸️
🌸 🌺 🌻 🌷 🌹 🥀 💐 🪷
🌱 🌿 ☘️ 🍀
🍁 🍂
🍄 🍄‍🟫
🌲 🎄
🌴 🏝️ 🪴
🌵 🏜️
🍈 🍉
🍋 🍋‍🟩
🍎 🍐
🍊 🥭 🍅
🫒 🥑 🥝
🥔 🍠
🌶️ 🫑
🧄 🧅
🥦 🥬
🍞 🥐 🥖
🥞 🧇
🍖 🍗
🥩 🥓
🌮 🌯 🥙 🥪
🥚 🍳 🥘
🍲 🥗 🍚 🍜 🍝
🍙 🍣
🧆 🍛
🍡 🍢
🥟 🥠
🍦 🍨
🍩 🍪 🥮
🎂 🍰 🧁 🥧
🍼 🥛
☕ 🍵 🫖
🍷 🍸 🍹 🥂 🍾
🥤 🧋 🧃
🥢 🍽️ 🥄
🔪 🗡️ ⚔️
🫙 🏺 🍯
🌍 🌐 🗺️
🏔️ 🗻 🌋 🏞️
🏖️ ☂️ 🌂
🏕️ ⛺ 🎪
🏠 🏡 🏘️ 🛖
🏢 🏥 🏨 🏫 🏪 🏭
🏛️ 🏦
🏯 🏰
💒 ⛪ 🕌 🛕 🕍
🗼 🗽
🌃 🏙️ 🌇 🌅 🌄 🌉 🌌
🎡 🎢
🚂 🚃 🚄 🚇 🚊 🚝
🚓 🚕 🚗 🚙 🛻 🏎️
🚌 🚑 🚒 🚚 🚛
🏍️ 🛴 🛹
🛼 ⛸️
🛣️ 🛤️
⛵ 🛶
🚤 🛳️ 🚢
✈️ 🛫 🛬
🛎️ 🔔
⌛ ⌚ ⏰ ⏱️ ⏲️ 🕰️ 🕒
🌓 🌕 🌙 🌝
☀️ 🌞
⭐ 🌠 ☄️ ✨
☁️ ⛅ ⛈️ 🌦️ 🌧️ 🌨️ 🌬️
🌪️ 🌀
❄️ ☃️
🎆 🎇 🧨
🎉 🎊
🎋 🎍
🎖️ 🏅 🥇 🏆
⚽ 🏀 🏐 ⚾ 🥎 🎾 🎱
🏈 🏉
🏏 🏑 🏒 🥍 🏸 🏓
🥋 🥼
🤿 🥽 👓 🕶️
🎮 🕹️
🃏 🀄 🎴
🧵 🪡 🧶
🧥 🦺
👔 👕 🎽
👖 🩳
👗 👘 🥻
🩱 👙
👛 👜 🛍️ 🎒
👞 👟 🥾 👠 🩰 👢 🩴
👒 🎩
🪖 🧑‍🚒
🎓 🧑‍🎓
💍 💎
📣 🔊
🎼 🎵
🎷 🎺 📯
🎸 🎻 🪕
🎹 🪗
🥁 🪘
☎️ 📞
📠 📻
💻 🖥️ 📺 📱
⌨️ 🖨️
💾 💿
🎥 📷 📹 🎞️ 📼
🕯️ 🪔
💡 🔦
📕 📖 📚 📒
📰 📑 📜
💵 💸
🪙 💰
📥 📦
📫 📮
✏️ 🖍️ 🖌️ 🧑‍🎨 🎨
🖊️ ✍️
📝 📋
📈 📊
📏 📐
📁 🗂️ 🗄️
🔒 🔓
🔑 🗝️
🔨 🪓 ⛏️ 🧰
🔩 ⚙️ 🛞
🔧 🪛
🔗 ⛓️
📡 🛰️
🔬 🔭
⚗️ 🧪
🪥 🪒
🧼 🧽 🫧
🛒 🧺
🪪 💳
"""
