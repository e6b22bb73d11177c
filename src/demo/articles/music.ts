/** Music: articles of the sample table, written for this project. */

import type { ArticleText } from '../article.ts';

export const music: readonly ArticleText[] = [
  {
    id: 1201,
    title: 'Tuning a guitar by ear',
    body: 'Press the fifth fret of the low E string and you hear what the next string should sound like. Only between G and B is it the fourth fret. Tune upwards to the note, because a string that was let down slips. Guitar beginners use a small clip-on tuner until the ear has learnt.',
  },
  {
    id: 1202,
    title: 'Changing guitar strings',
    body: 'Replace one string at a time so that the neck keeps its tension. Leave three turns on the peg, pull it a few times, and tune again. New strings are bright for a month of daily playing. A guitar with old strings sounds dull and goes out of tune.',
  },
  {
    id: 1203,
    title: 'Sore fingertips',
    body: 'Steel cuts soft fingers for the first four weeks, then calluses form. Practise ten minutes three times a day rather than an hour, and ask a shop to lower the action. Beginners on the guitar should choose nylon strings for the first lessons.',
  },
  {
    id: 1204,
    title: 'Three chords, a hundred songs',
    body: 'G, C and D carry half of folk and rock. Change slowly and in time instead of fast and ragged. A capo moves them to the key of your voice. Guitar lessons for beginners start with these chords, and most songs at the campfire need no others.',
  },
  {
    id: 1206,
    title: 'Piano or keyboard',
    body: 'Weighted keys train the hand, and a digital piano with headphones spares the neighbours. Eighty-eight of them, a pedal, and no hundred sounds. An old upright wants tuning twice a year. Beginners at the piano need a bench of the right height and a teacher for the first lessons.',
  },
  {
    id: 1207,
    title: 'How to practise',
    body: 'Take four bars, half speed, five times without a mistake, and only then the next four. Starting at the beginning each time teaches the beginning. Twenty minutes a day beat two hours on Sunday. Teachers hear in the first minute of a lesson who practised so.',
  },
  {
    id: 1208,
    title: 'Reading sheet music',
    body: 'Lines and spaces from the bottom up, one note at a time, with flash cards. Clap the rhythm before you play. A few minutes of sight-reading something easy every day brings more than drills. Musicians who read fluently see groups of notes as others see words.',
  },
  {
    id: 1209,
    title: 'Scales are not a punishment',
    body: 'Every melody is made of pieces of a scale. Play them with a drum track, in patterns of three, and in the key of the piece you are learning. The fingers find their way by themselves later. Guitar, piano and violin lessons all start from them.',
  },
  {
    id: 1210,
    title: 'Playing with a metronome',
    body: 'Set it so slow that you cannot fail, and raise it by four beats a minute. Hurrying in easy bars and dragging in hard ones disappears. Let it click on two and four when it bores you. Musicians who rush cannot hear it until they play with a click.',
  },
  {
    id: 1212,
    title: 'Learning the violin as an adult',
    body: 'The first year sounds like a cat. A good teacher and a rented instrument keep shoulders loose and costs low. Tapes on the fingerboard mark where to put the fingers until the ear knows. Beginners of any age need lessons here, since wrong habits are hard to lose.',
  },
  {
    id: 1213,
    title: 'Which wood for a bow',
    body: "Pernambuco is elastic and dear, carbon is sturdy and cheap. Tighten the hair until a pencil fits between, and let it off after playing. Rosin every third day. The bow makes half of a violin's sound and can cost as much.",
  },
  {
    id: 1214,
    title: 'Wind instruments for children',
    body: 'A clarinet suits hands from nine years on, the recorder from six, the trumpet when the front teeth are in. Borrow from the music school before you buy. Children who take lessons in a group stay with an instrument longer.',
  },
  {
    id: 1215,
    title: 'Caring for brass',
    body: 'Empty the water, oil the valves weekly, and bathe the trumpet in lukewarm soapy water twice a year. Stuck mouthpieces are for the workshop and never for pliers. Musicians never lend their mouthpiece.',
  },
  {
    id: 1217,
    title: 'Warming up the voice',
    body: 'Hum, slide up and down like a siren, trill the lips. Singers who start cold go hoarse. Water at room temperature two hours before works; tea with honey at the concert is for comfort. Singing teachers spend the first quarter of each lesson on it.',
  },
  {
    id: 1218,
    title: 'Singing in tune',
    body: 'Record yourself, listen to the piano note, hum before you sing. Most people who call themselves tone-deaf merely never listened closely. Choirs take beginners gladly, above all tenors. Singing is muscle memory, and beginners improve within weeks.',
  },
  {
    id: 1219,
    title: 'Joining a choir',
    body: 'Most choirs audition with one song and a scale. Sit beside a safe voice, mark your part in colour, and breathe where the others do not. After a season you read notes without having learnt it. Singing together lowers stress and finds friends.',
  },
  {
    id: 1220,
    title: 'Stage fright',
    body: "Trembling hands are energy. Play the programme for friends first, breathe out longer than in, and know the first eight bars in your sleep. The audience wants it to go well. Musicians of fifty years' experience still feel it.",
  },
  {
    id: 1222,
    title: 'Recording at home',
    body: "A quiet room with curtains and a bed sounds better than a tiled one. One decent microphone, a hand's breadth away and slightly off to the side, and headphones. Leave room below the red. Songs recorded in a wardrobe among coats sound surprisingly good.",
  },
  {
    id: 1223,
    title: 'Microphones: condenser or dynamic',
    body: 'A condenser hears everything, the fridge included; a dynamic one hears what is right in front. For a singer in a bedroom take the dynamic. Phantom power only goes where it is asked for. Recording engineers own both kinds.',
  },
  {
    id: 1224,
    title: 'Mixing a song',
    body: 'Turn everything down, bring up the voice, then drums and bass, and place the rest around them. Cut with the equaliser before you boost. Listen in the car. Engineers rest their ears every hour of a recording.',
  },
  {
    id: 1225,
    title: 'Noise and the neighbours',
    body: 'Drum pads, mutes and headphones keep peace. Most houses allow an hour or two of an instrument a day, outside quiet times. Bring a cake before the first rehearsal. Musicians and neighbours get along when both know the hours.',
  },
  {
    id: 1227,
    title: 'Vinyl records',
    body: 'Keep them upright, hold them by the edge, and brush them before each side. A needle lasts about five hundred hours; a worn one ploughs through the groove. Warps flatten under glass, slowly. Records sound warm because the bass was tamed for the needle.',
  },
  {
    id: 1228,
    title: 'Headphones for listening',
    body: 'Closed ones keep the train out, open ones sound wider at home. Noise cancelling hums below voices. Comfort after an hour tells more than a test. Music sounds different in each pair, so take your own songs to the shop.',
  },
  {
    id: 1229,
    title: 'Protecting your hearing',
    body: "Ringing ears after a gig are a warning. Musicians' plugs lower everything evenly, so music stays music. Eighty-five decibels for eight hours or one hundred for a quarter of an hour is the limit. Musicians lose hearing slowly and notice it in restaurants.",
  },
  {
    id: 1230,
    title: 'Going to the opera for the first time',
    body: 'Choose something short and tuneful, read the plot, and sit where you see the surtitles. Nobody minds what you wear. Clap when the others clap. Singing without microphones fills a house of two thousand seats.',
  },
  { id: 1231, title: 'Untitled rehearsal recording', body: null },
];
