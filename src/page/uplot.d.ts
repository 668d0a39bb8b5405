/** The admin port serves uPlot's module beside the page's own, since a browser cannot look into `node_modules`. */
export { default } from 'uplot'
